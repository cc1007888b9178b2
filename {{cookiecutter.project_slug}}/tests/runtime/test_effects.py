"""Whatever an event asks for is performed, surely, in order, and once."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest
from structlog.testing import capture_logs

from app.core.effects import Cancel, Delay, Dispatch, Durable, Parallel, Run, Sequential, Stream
from app.core.ports import Attempt, Unavailable
from app.core.principal import SYSTEM, Principal
from app.core.rejected import Code, Rejected
from app.runtime.clock import wall_clock
from app.runtime.decision import Happened
from app.runtime.event_log.memory import MemoryLog
from app.runtime.event_log.port import Entry, LogFull
from app.runtime.retry import RetryPolicy
from tests.runtime.tally import (
    ME,
    QUICK,
    STREAMS,
    TALLY,
    WORK,
    Add,
    Added,
    Break,
    Command,
    Event,
    Flow,
    Plan,
    Planned,
    Shout,
    Shouted,
    TallyStore,
    Work,
    decode,
    encode,
    open_tally,
)

ONE = Random(1)  # noqa: S311 - whatever it gives, it gives each time
ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.anyio


@pytest.fixture(autouse=True)
def work() -> None:
    """Each test says anew what tasks do."""
    WORK.clear()
    STREAMS.clear()


async def until(claim: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not claim():  # noqa: ASYNC110 - the Store has no signal for what nobody hears
            await asyncio.sleep(0)


async def plan(store: TallyStore, *effects: Durable[Command], id: str | None = None) -> None:
    """Have an event ask for these effects."""
    await store.dispatch(Plan(effects), by=ME, id=id)


async def all_ended(store: TallyStore) -> None:
    await until(lambda: len(store.head.effects.pending) == 0)


async def outcomes(event_log: MemoryLog) -> list[tuple[str | None, str | None]]:
    """What became of effects, in order: origin and words."""
    entries = await event_log.read(0, 1000)
    return [(e.settles or e.continues, e.outcome) for e in entries if e.outcome is not None]


def performs(*amounts: int) -> Callable[[Attempt], AsyncIterator[Command]]:
    """A stream that adds these amounts, beginning after what is given already."""

    async def stream(attempt: Attempt) -> AsyncIterator[Command]:
        for amount in amounts[attempt.given :]:
            yield Add(amount)

    return stream


async def adds(attempt: Attempt) -> Command:
    return Add(7)


async def endless(attempt: Attempt) -> Command:
    await asyncio.Event().wait()
    return Add(1)


KINDS: dict[str, tuple[Durable[Command], ...]] = {
    "Dispatch": (Dispatch(Add(7)),),
    "Run": (Run(Work("adds")),),
    "Stream": (Stream(Flow("adds")),),
    "Delay": (Delay(0.001, Add(7)),),
    "Parallel": (Parallel((Dispatch(Add(7)),)),),
    "Sequential": (Sequential((Dispatch(Add(7)),)),),
    "Cancel": (Delay(60, Add(1), "k"), Cancel("k"), Dispatch(Add(7))),
}
# For each of the nine, a command that asks for it, and the events that come of it, in order.
LEADS_TO: dict[str, tuple[Command, list[Event]]] = {
    "Append": (Add(7), [Added(7, 0, 7)]),
    "Publish": (Shout("hey"), [Shouted("hey")]),
    **{kind: (Plan(them), [Planned(them), Added(7, 0, 7)]) for kind, them in KINDS.items()},
}


@pytest.mark.parametrize("kind", LEADS_TO)
async def test_what_each_kind_of_effect_leads_to_is_broadcast_and_nothing_else(kind: str) -> None:
    """What is stored with its position, and what passes without one."""
    WORK["adds"], STREAMS["adds"] = adds, performs(7)
    command, events = LEADS_TO[kind]
    event_log, heard = MemoryLog(), list[Happened[Event]]()
    async with open_tally(event_log) as store:
        store.listeners.append(heard.extend)
        await store.dispatch(command, by=ME, id="mine")
        await all_ended(store)
    stored = {e.position: decode(e.event) for e in await event_log.read(0, 1000) if e.event}

    assert [each.event for each in heard] == events
    assert {each.cause for each in heard} == {"mine"}
    assert {each.seq: each.event for each in heard if each.seq is not None} == stored
    assert len(stored) == len(events) - (kind == "Publish")


async def test_a_run_that_leads_to_nothing_ends() -> None:
    async def nothing(attempt: Attempt) -> None:
        return None

    WORK["nothing"] = nothing
    event_log = MemoryLog()
    async with open_tally(event_log) as store:
        await plan(store, Run(Work("nothing")))
        await all_ended(store)

    assert await outcomes(event_log) == [("1.0", "started"), ("1.0", "nothing")]


async def test_every_attempt_has_the_same_origin() -> None:
    origins: list[str] = []

    async def unwilling(attempt: Attempt) -> Command:
        origins.append(attempt.origin)
        if len(origins) < 3:
            raise Unavailable("not now")
        return Add(1)

    WORK["unwilling"] = unwilling
    async with open_tally(MemoryLog()) as store:
        await plan(store, Run(Work("unwilling")))
        await all_ended(store)
        assert store.state == 1

    assert origins == ["1.0"] * 3


async def test_what_fails_for_good_is_a_dead_letter_with_all_that_is_known() -> None:
    async def broken(attempt: Attempt) -> Command:
        raise ValueError("no such address")

    WORK["broken"] = broken
    event_log = MemoryLog()
    for _ in range(2):
        async with open_tally(event_log) as store:
            if not store.seq:
                await plan(store, Run(Work("broken"), "key"), id="mine")
            await until(lambda: len(store.dead_letters()) == 1)
            ((origin, letter),) = store.dead_letters()
            await store.dispatch(Add(1), by=ME)

    assert origin == "1.0"
    assert letter.effect == Run(Work("broken"), "key")
    assert (letter.dead, letter.cause) == ("ValueError: no such address", "mine")
    assert [words for _, words in await outcomes(event_log)] == [
        "started",
        "dead: ValueError: no such address",
    ]


async def test_what_may_succeed_later_is_tried_so_often_and_no_more() -> None:
    attempts = 0

    async def unwilling(attempt: Attempt) -> Command:
        nonlocal attempts
        attempts += 1
        raise ConnectionError("nobody is there")

    WORK["unwilling"] = unwilling
    async with open_tally(MemoryLog()) as store:
        await plan(store, Run(Work("unwilling")))
        await until(lambda: len(store.dead_letters()) == 1)

        ((_, dead),) = store.dead_letters()
    assert (attempts, dead.dead) == (3, "ConnectionError: nobody is there")


def test_no_pause_between_attempts_is_longer_than_the_policy_says() -> None:
    policy = RetryPolicy(first=1.0, longest=10.0)

    assert max(policy.seconds(attempt, ONE) for attempt in range(1, 100)) <= 10.0


async def never_comes(attempt: Attempt) -> AsyncIterator[Command]:
    await asyncio.Event().wait()
    yield Add(1)


@pytest.mark.parametrize("effect", [Run(Work("endless")), Stream(Flow("endless"))])
async def test_a_task_that_takes_too_long_has_failed(
    effect: Durable[Command], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.runtime.attempts.STEP_SECONDS", 0.01)
    WORK["endless"], STREAMS["endless"] = endless, never_comes
    async with open_tally(MemoryLog()) as store:
        await plan(store, effect)
        await until(lambda: len(store.dead_letters()) == 1)


def test_however_many_attempts_there_are_none_waits_longer_than_the_longest() -> None:
    policy = RetryPolicy(attempts=5000)

    waits = [policy.seconds(attempt, ONE) for attempt in range(1, policy.attempts)]

    assert max(waits[1024:]) <= policy.longest
    assert max(waits[:5]) <= 16


async def test_a_dead_letter_is_retried_or_discarded_once() -> None:
    willing = False

    async def moody(attempt: Attempt) -> Command:
        if not willing:
            raise ValueError("no")
        return Add(5)

    WORK["moody"] = moody
    event_log = MemoryLog()
    async with open_tally(event_log) as store:
        await plan(store, Run(Work("moody")), Run(Work("moody")))
        await until(lambda: len(store.dead_letters()) == 2)
        willing = True
        await store.retry("1.0", by=ME)
        await store.discard("1.1", by=ME)
        await all_ended(store)
        for again in store.retry("1.0", by=ME), store.discard("1.1", by=ME):
            with pytest.raises(Rejected, match="no dead letter") as refusal:
                await again
            assert refusal.value.code is Code.NOT_FOUND
        assert store.state == 5
        assert store.dead_letters() == []

    assert ("1.1", "discarded") in await outcomes(event_log)


async def test_an_effect_that_has_not_failed_is_neither_retried_nor_discarded() -> None:
    async with open_tally(MemoryLog()) as store:
        await plan(store, Delay(60, Add(1)))
        for wish in store.retry, store.discard:
            with pytest.raises(Rejected, match="no dead letter"):
                await wish("1.0", by=ME)

        assert "1.0" in store.head.effects.pending


async def test_a_mistake_in_a_rule_makes_a_dead_letter_of_its_effect_and_harms_nobody() -> None:
    async with open_tally(MemoryLog()) as store:
        await plan(store, Dispatch(Break()), Dispatch(Add(1)))
        await until(lambda: store.state == 1)

        ((_, letter),) = store.dead_letters()

    assert letter.dead == "ZeroDivisionError: "


async def test_a_stream_goes_on_after_the_last_command_that_was_stored() -> None:
    given: list[int] = []
    stuck = asyncio.Event()

    async def slow(attempt: Attempt) -> AsyncIterator[Command]:
        given.append(attempt.given)
        for number in range(attempt.given, 5):
            if number == 3 and len(given) == 1:
                stuck.set()
                await asyncio.Event().wait()
            yield Add(10**number)

    STREAMS["slow"] = slow
    event_log = MemoryLog()
    async with open_tally(event_log) as store:
        await plan(store, Stream(Flow("slow")))
        await stuck.wait()
        assert store.state == 111
    async with open_tally(event_log) as store:
        await all_ended(store)
        assert store.state == 11111

    assert given == [0, 3]
    assert ("1.0", "interrupted") in await outcomes(event_log)


async def test_a_refused_command_of_a_stream_counts_as_given() -> None:
    STREAMS["flow"] = performs(1, -100, 2)
    event_log = MemoryLog()
    async with open_tally(event_log) as store:
        await plan(store, Stream(Flow("flow")))
        await all_ended(store)
        assert store.state == 3

    assert [words for _, words in await outcomes(event_log)] == [
        "started",
        "given: done",
        "given: refused: -99 is less than nothing",
        "given: done",
        "nothing",
    ]


LIFE = """
import asyncio, os, sys
from app.core.effects import Run
from app.runtime.event_log import open_event_log
from tests.runtime.tally import ME, WORK, Plan, Work, open_tally

async def deadly(attempt):
    os._exit(9)

async def life():
    WORK["deadly"] = deadly
    async with open_tally(open_event_log(sys.argv[1])) as store:
        if not store.seq:
            await store.dispatch(Plan((Run(Work("deadly")),)), by=ME)
        while not store.dead_letters():
            await asyncio.sleep(0)
        print(store.dead_letters()[0][1].dead)

asyncio.run(asyncio.wait_for(life(), 10))
"""


def test_a_task_that_takes_the_process_down_does_so_only_so_often(tmp_path: Path) -> None:
    """Each attempt is counted before it begins; after the last one it is a dead letter."""
    life = [sys.executable, "-c", LIFE, f"sqlite:///{tmp_path}/e.db"]

    lives = [subprocess.run(life, cwd=ROOT, capture_output=True, text=True) for _ in range(4)]  # noqa: S603

    assert [each.returncode for each in lives] == [9] * QUICK.attempts + [0], lives[-1].stderr
    assert lives[-1].stdout == "none of 3 attempts has succeeded; what ended the last is unknown\n"


async def test_a_delay_counts_from_its_event_across_restarts_and_fires_once() -> None:
    now = 1_000_000_000_000_000
    event_log = MemoryLog()
    async with open_tally(event_log, clock=lambda: now) as store:
        await plan(store, Delay(3600, Add(1)))
        assert store.state == 0
    now += 3599_000_000
    async with open_tally(event_log, clock=lambda: now) as store:
        await store.dispatch(Add(10), by=ME)
        assert store.state == 10
    now += 1_000_000
    for _ in range(2):
        async with open_tally(event_log, clock=lambda: now) as store:
            await all_ended(store)
            assert store.state == 11


async def test_a_start_begins_with_what_was_asked_for_first() -> None:
    event_log = MemoryLog()
    entries = [
        Entry(
            number,
            5,
            f"key-{number}",
            "me",
            "operator",
            event=encode(Planned(())),
            effects=encode([Dispatch(Add(1))]),
        )
        for number in range(1, 12)
    ]
    await event_log.append(0, entries)
    async with open_tally(event_log) as store:
        await all_ended(store)

    assert [origin for origin, _ in await outcomes(event_log)] == [f"{n}.0" for n in range(1, 12)]


async def test_a_cancelled_delay_never_fires() -> None:
    now = 1_000_000_000_000_000
    event_log = MemoryLog()
    async with open_tally(event_log, clock=lambda: now) as store:
        await plan(store, Delay(1, Add(1), "k"), Delay(1, Add(10), "other"))
        await plan(store, Cancel("k"))
    now += 2_000_000
    async with open_tally(event_log, clock=lambda: now) as store:
        await all_ended(store)

        assert store.state == 10


async def test_cancelled_delays_are_not_kept_until_they_would_have_been_due(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("app.runtime.timers.SWEEP_AFTER", 10)
    async with open_tally(MemoryLog()) as store:
        for number in range(100):
            await plan(store, Delay(3600, Add(1), f"k-{number}"))
            await plan(store, Cancel(f"k-{number}"))

        assert len(store._performer._timers._waiting) < 50


async def test_a_cancelled_run_is_stopped_and_what_it_would_have_said_is_not_heard() -> None:
    at_work, stopped = asyncio.Event(), asyncio.Event()

    async def long(attempt: Attempt) -> Command:
        at_work.set()
        try:
            await asyncio.Event().wait()
        finally:
            stopped.set()
        return Add(1)

    WORK["long"] = long
    async with open_tally(MemoryLog()) as store:
        await plan(store, Run(Work("long"), "k"))
        await at_work.wait()
        await plan(store, Cancel("k"))
        await asyncio.wait_for(stopped.wait(), 5)

        assert (store.state, len(store.head.effects.pending)) == (0, 0)


async def test_sequential_effects_begin_when_the_one_before_has_ended() -> None:
    said: list[str] = []

    def says(word: str) -> Callable[[Attempt], object]:
        async def say(attempt: Attempt) -> Command:
            said.append(f"{word} begins")
            for _ in range(5):
                await asyncio.sleep(0)
            said.append(f"{word} ends")
            return Add(1)

        return say

    for word in "abc":
        WORK[word] = says(word)  # type: ignore[assignment]
    async with open_tally(MemoryLog()) as store:
        await plan(
            store,
            Sequential((Run(Work("a")), Dispatch(Add(-99)), Run(Work("b")), Run(Work("c")))),
        )
        await all_ended(store)
        assert store.state == 3

    assert said == [f"{word} {what}" for word in "abc" for what in ("begins", "ends")]


async def test_parallel_effects_are_at_work_at_the_same_time() -> None:
    together = asyncio.Barrier(3)

    async def meets(attempt: Attempt) -> Command:
        await asyncio.wait_for(together.wait(), 5)
        return Add(1)

    WORK["meets"] = meets
    async with open_tally(MemoryLog()) as store:
        await plan(store, Parallel(tuple(Run(Work("meets")) for _ in range(3))))
        await all_ended(store)

        assert store.state == 3


async def test_a_sequence_goes_on_where_it_was_after_a_restart() -> None:
    at_work = asyncio.Event()

    async def first_waits(attempt: Attempt) -> Command:
        if not at_work.is_set():
            at_work.set()
            await asyncio.Event().wait()
        return Add(10)

    WORK["waits"] = first_waits
    event_log = MemoryLog()
    async with open_tally(event_log) as store:
        await plan(store, Sequential((Dispatch(Add(1)), Run(Work("waits")), Dispatch(Add(100)))))
        await at_work.wait()
        assert store.state == 1
    async with open_tally(event_log) as store:
        await all_ended(store)
        assert store.state == 111


async def test_so_many_tasks_are_at_work_at_once_and_no_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("app.runtime.attempts.SLOTS", 4)
    at_work = most = 0

    async def counts(attempt: Attempt) -> Command:
        nonlocal at_work, most
        at_work += 1
        most = max(most, at_work)
        await asyncio.sleep(0)
        at_work -= 1
        return Add(1)

    WORK["counts"] = counts
    async with open_tally(MemoryLog()) as store:
        run: Run[Command] = Run(Work("counts"))
        await plan(store, *[run] * 50)
        await all_ended(store)
        assert store.state == 50

    assert most == 4


async def test_others_are_decided_between_many_commands_of_effects(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("app.runtime.effects.COMMANDS_IN_FLIGHT", 5)
    async with open_tally(MemoryLog()) as store:
        await plan(store, *[Dispatch(Add(1))] * 50)
        outcome = await store.dispatch(Add(1000), by=ME)
        await all_ended(store)

        assert store.state == 1050
    assert outcome.state < 1050


async def test_what_backs_off_holds_no_slot(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.runtime.attempts.SLOTS", 1)

    async def unwilling(attempt: Attempt) -> Command:
        raise Unavailable

    WORK["unwilling"], WORK["adds"] = unwilling, adds
    patient = RetryPolicy(attempts=8, first=1e6, longest=1e6)
    async with open_tally(MemoryLog(), policy=patient, chance=ONE) as store:
        await plan(store, Run(Work("unwilling")))
        await plan(store, Run(Work("adds")))
        await until(lambda: store.state == 7)


async def test_a_closing_store_finishes_what_is_under_way_and_what_follows_at_once() -> None:
    at_work, finish = asyncio.Event(), asyncio.Event()

    async def long(attempt: Attempt) -> Command:
        at_work.set()
        await finish.wait()
        return Add(1, more=10)

    WORK["long"] = long
    async with open_tally(MemoryLog(), grace_seconds=5) as store:
        await plan(store, Run(Work("long")))
        await at_work.wait()
        asyncio.get_running_loop().call_later(0.01, finish.set)
    assert store.state == 11


async def test_a_closing_store_begins_no_more_work() -> None:
    at_work, finish, begun = asyncio.Event(), asyncio.Event(), []

    async def long(attempt: Attempt) -> Command:
        at_work.set()
        await finish.wait()
        return Add(1)

    async def next_one(attempt: Attempt) -> Command:
        begun.append(attempt.origin)
        return Add(10)

    WORK["long"], WORK["next one"] = long, next_one
    event_log = MemoryLog()
    async with open_tally(event_log, grace_seconds=5) as store:
        await plan(store, Sequential((Run(Work("long")), Run(Work("next one")))))
        await at_work.wait()
        asyncio.get_running_loop().call_later(0.01, finish.set)
    assert (store.state, begun) == (1, [])
    async with open_tally(event_log) as store:
        await until(lambda: store.state == 11)


async def test_a_delay_that_is_due_while_the_store_closes_waits_for_the_next_start(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("app.runtime.timers.LONGEST_SLEEP_SECONDS", 0.01)
    at_work, finish, ahead = asyncio.Event(), asyncio.Event(), 0

    async def long(attempt: Attempt) -> Command:
        at_work.set()
        await finish.wait()
        return Add(1)

    WORK["long"] = long
    event_log = MemoryLog()
    async with open_tally(event_log, clock=lambda: wall_clock() + ahead, grace_seconds=5) as store:
        await plan(store, Run(Work("long")), Delay(60, Add(10)))
        await at_work.wait()
        ahead = 61_000_000
        asyncio.get_running_loop().call_later(0.05, finish.set)
    assert store.state == 1
    async with open_tally(event_log, clock=lambda: wall_clock() + ahead) as store:
        await until(lambda: store.state == 11)


async def test_a_last_attempt_that_a_stop_interrupts_has_not_failed() -> None:
    at_work = asyncio.Event()

    async def long(attempt: Attempt) -> Command:
        at_work.set()
        return await endless(attempt)

    WORK["long"] = long
    event_log, once = MemoryLog(), RetryPolicy(attempts=1)
    async with open_tally(event_log, policy=once, grace_seconds=0.05) as store:
        await plan(store, Run(Work("long")))
        await at_work.wait()
    assert store.dead_letters() == []

    WORK["long"] = adds
    async with open_tally(event_log, policy=once) as store:
        await until(lambda: store.state == 7)


async def test_a_closing_store_waits_no_longer_than_its_grace() -> None:
    WORK["endless"] = endless
    event_log = MemoryLog()
    async with asyncio.timeout(5), open_tally(event_log, grace_seconds=0.05) as store:
        await plan(store, Run(Work("endless")))
    assert len(store.head.effects.pending) == 1


async def test_a_close_that_is_cut_short_has_no_time_left() -> None:
    WORK["endless"] = endless
    event_log = MemoryLog()
    async with asyncio.timeout(5), open_tally(event_log, grace_seconds=60) as store:
        await plan(store, Run(Work("endless")))
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01):
                await store.close(60)
    assert len(store.head.effects.pending) == 1


async def test_no_task_is_at_work_for_a_store_whose_close_was_cut() -> None:
    at_work, stopped = asyncio.Event(), asyncio.Event()
    stores: list[TallyStore] = []

    async def endless(attempt: Attempt) -> None:
        at_work.set()
        try:
            await asyncio.Event().wait()
        finally:
            stopped.set()

    async def live() -> None:
        async with open_tally(MemoryLog(), grace_seconds=60) as store:
            stores.append(store)
            await plan(store, Run(Work("endless")))
            await asyncio.Event().wait()

    WORK["endless"] = endless
    life = asyncio.create_task(live())
    await at_work.wait()
    life.cancel()
    await until(lambda: not stores[0].is_open)
    life.cancel()
    with pytest.raises(asyncio.CancelledError):
        await life

    await asyncio.wait_for(stopped.wait(), 5)


class FullNow(MemoryLog):
    """A log whose disk can be filled."""

    is_full = False

    async def append(self, expected: int, entries: Sequence[Entry]) -> None:
        """As the port says, while there is room."""
        if self.is_full:
            raise LogFull("the disk is full")
        await super().append(expected, entries)


async def test_effects_wait_for_room_on_the_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.runtime.effects.AGAIN_SECONDS", 0.001)
    monkeypatch.setattr("app.runtime.attempts.AGAIN_SECONDS", 0.001)
    event_log = FullNow()

    async def fills(attempt: Attempt) -> Command:
        event_log.is_full = True
        asyncio.get_running_loop().call_later(0.02, setattr, event_log, "is_full", False)
        return Add(1)

    WORK["fills"] = fills
    async with open_tally(event_log) as store:
        await plan(store, Run(Work("fills")), Dispatch(Add(10)))
        await all_ended(store)

        assert store.state == 11
        assert store.dead_letters() == []


async def test_a_store_does_not_wait_for_room_on_the_disk_when_it_closes() -> None:
    event_log, at_work, finish = FullNow(), asyncio.Event(), asyncio.Event()

    async def long(attempt: Attempt) -> Command:
        at_work.set()
        await finish.wait()
        return Add(1)

    WORK["long"] = long
    async with asyncio.timeout(5), open_tally(event_log, grace_seconds=60) as store:
        await plan(store, Run(Work("long")))
        await at_work.wait()
        event_log.is_full = True
        asyncio.get_running_loop().call_later(0.01, finish.set)
    assert len(store.head.effects.pending) == 1


async def test_it_is_said_that_the_policy_denies_what_an_effect_asks_for() -> None:
    def nobody(principal: Principal, command: Command, state: int) -> None:
        if principal is SYSTEM:
            raise Rejected(Code.FORBIDDEN, "system may not")

    with capture_logs() as lines:
        async with open_tally(MemoryLog(), replace(TALLY, authorise=nobody)) as store:
            await plan(store, Dispatch(Add(1)))
            await all_ended(store)

    (line,) = [line for line in lines if line["log_level"] == "warning"]
    assert line["problem"] == "system may not"
