"""Whatever a task does, and whatever a rule says, it costs its own effect and nobody else."""

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from math import inf, nan
from pathlib import Path
from sys import float_info
from time import process_time

import pytest

from app.core.effects import Cancel, Delay, Dispatch, Durable, Parallel, Run, Stream
from app.core.ports import Attempt
from app.core.rejected import Code, Rejected, StartRefused
from app.runtime import attempts, effects, lease, replay, snapshot
from app.runtime.clock import Clock
from app.runtime.event_log.memory import MemoryLog
from app.runtime.event_log.port import Entry, LogFull, LogUnavailable, Row, Snapshot, TooLarge
from app.runtime.event_log.sqlite import SqliteLog
from app.runtime.group import words_of
from tests.runtime.event_log.shared_memory import SharedMemoryLog
from tests.runtime.tally import (
    ME,
    STREAMS,
    TALLY,
    WORK,
    Add,
    Added,
    Break,
    Command,
    Flow,
    Plan,
    TallyStore,
    Work,
    decode,
    encode,
    open_tally,
)

pytestmark = pytest.mark.anyio

Task = Callable[[Attempt], Awaitable[Command | None]]


@pytest.fixture(autouse=True)
def work() -> None:
    """Each test says anew what tasks do."""
    WORK.clear()
    STREAMS.clear()


async def until(claim: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not claim():  # noqa: ASYNC110 - the Store has no signal for what nobody hears
            await asyncio.sleep(0)


async def plan(store: TallyStore, *effects: Durable[Command]) -> None:
    await store.dispatch(Plan(effects), by=ME)


async def adds(attempt: Attempt) -> Command:
    return Add(7)


class Wordless(Exception):
    """A fault that cannot say what it is."""

    def __str__(self) -> str:
        raise IndexError


async def has_no_words(attempt: Attempt) -> Command:
    raise Wordless


async def names_a_strange_file(attempt: Attempt) -> Command:
    raise ValueError(os.fsdecode(b"\xff"))


async def waits_for_what_was_cancelled(attempt: Attempt) -> Command:
    raise asyncio.CancelledError


STRANGE = [has_no_words, names_a_strange_file, waits_for_what_was_cancelled]


@pytest.mark.parametrize("task", STRANGE)
async def test_a_strange_failure_is_a_dead_letter_too(task: Task, tmp_path: Path) -> None:
    WORK["strange"], WORK["adds"] = task, adds
    event_log = SqliteLog(tmp_path / "e.db")
    async with open_tally(event_log) as store:
        await plan(store, Run(Work("strange")))
        await until(lambda: len(store.dead_letters()) == 1)
        await plan(store, Run(Work("adds")))
        await until(lambda: store.state == 7)
    await event_log.close()


def test_whatever_a_fault_says_is_told_in_one_line_and_not_at_length() -> None:
    words = words_of(ValueError("first\nsecond" + 1000 * "!"))

    assert words.startswith("ValueError: first second!")
    assert len(words) == 500


def unwritable(action: Command) -> str:
    if action == Add(-99):
        raise TypeError("that has no JSON form")
    return encode(action)


async def test_a_refused_command_that_cannot_be_written_down_is_a_dead_letter() -> None:
    async with open_tally(MemoryLog(), replace(TALLY, encode_command=unwritable)) as store:
        await plan(store, Dispatch(Add(-99)))
        await until(lambda: len(store.dead_letters()) == 1)
        await store.dispatch(Add(1), by=ME)

        assert store.state == 1


BEYOND_ALL_TIME = [inf, nan, -inf, float_info.max, -float_info.max]


@pytest.mark.parametrize("seconds", BEYOND_ALL_TIME)
async def test_a_delay_that_would_never_be_due_costs_its_own_command(seconds: float) -> None:
    async with open_tally(MemoryLog()) as store:
        with pytest.raises(Rejected) as refusal:
            await plan(store, Parallel((Delay(seconds, Add(1)),)))
        await store.dispatch(Add(1), by=ME)
        assert store.state == 1

    assert refusal.value.code is Code.INTERNAL


@pytest.mark.parametrize("seconds", [*BEYOND_ALL_TIME, 1e300, -1e300])
async def test_whatever_delay_a_log_holds_the_service_starts(seconds: float) -> None:
    event_log = MemoryLog()
    async with open_tally(event_log) as store:
        await plan(store, Delay(3600, Add(1)))
    [asked] = event_log._entries
    effects: list[Durable[Command]] = [Delay(seconds, Add(5)), Delay(0, Add(1))]
    event_log._entries[0] = asked._replace(effects=encode(effects))

    async with open_tally(event_log) as store:
        await until(lambda: store.state > 0 and "1.1" not in store.head.effects.pending)
        is_pending = "1.0" in store.head.effects.pending

    assert is_pending == (seconds > 0)


async def test_attempts_that_are_cancelled_before_their_first_step_free_their_slots() -> None:
    WORK["adds"] = adds
    async with open_tally(MemoryLog()) as store:
        run: Run[Command] = Run(Work("adds"), "k")
        for _ in range(2 * attempts.SLOTS):
            store.submit(Plan((run,)), by=ME)
            store.submit(Plan((Cancel("k"),)), by=ME)
        await until(lambda: store.seq >= 4 * attempts.SLOTS)
        before = store.state
        await plan(store, Run(Work("adds")))
        await until(lambda: store.state == before + 7)


async def test_an_attempt_that_had_not_begun_is_not_interrupted() -> None:
    WORK["adds"] = adds
    for ticks in range(8):
        event_log = MemoryLog()
        async with open_tally(event_log) as store:
            store.submit(Plan((Run(Work("adds")),)), by=ME)
            for _ in range(ticks):
                await asyncio.sleep(0)
        told = [entry.outcome for entry in await event_log.read(0, 20)]
        assert told.count("interrupted") <= told.count("started"), (ticks, told)


async def test_a_task_that_cannot_be_stopped_does_not_hold_up_a_close(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(attempts, "CANCEL_SECONDS", 0.05)
    release, at_work = asyncio.Event(), asyncio.Event()

    async def stubborn(attempt: Attempt) -> None:
        at_work.set()
        while not release.is_set():
            try:
                await release.wait()
            except asyncio.CancelledError:
                continue

    WORK["stubborn"] = stubborn
    event_log = MemoryLog()
    async with asyncio.timeout(5):
        async with open_tally(event_log, grace_seconds=0.05) as store:
            await plan(store, Run(Work("stubborn")))
            await at_work.wait()
    release.set()
    await asyncio.sleep(0)

    assert [entry.outcome for entry in await event_log.read(1, 20)] == ["started", "interrupted"]


class Panic(BaseException):
    """What the binding of a library in another language may raise: no Exception."""


async def panics(attempt: Attempt) -> None:
    raise Panic("in another language")


async def test_a_fault_that_is_no_exception_is_tried_again_and_then_a_dead_letter(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(attempts, "AGAIN_SECONDS", 0.001)
    WORK["panics"] = panics
    event_log = MemoryLog()
    async with open_tally(event_log) as store:
        await plan(store, Run(Work("panics")))
        await until(lambda: len(store.dead_letters()) == 1)
        ((_, letter),) = store.dead_letters()

    assert [entry.outcome for entry in await event_log.read(1, 20)] == [
        *["started"] * 3,
        f"dead: {letter.dead}",
    ]
    assert letter.dead == "none of 3 attempts has succeeded; what ended the last is unknown"


async def test_a_cancelled_task_that_clears_up_without_end_gives_its_slot_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(attempts, "SLOTS", 1)
    monkeypatch.setattr(attempts, "CLEAN_UP_SECONDS", 0.01)
    at_work, release = asyncio.Event(), asyncio.Event()

    async def clings(attempt: Attempt) -> AsyncIterator[Command]:
        try:
            at_work.set()
            await release.wait()
            yield Add(1)
        finally:
            await release.wait()

    STREAMS["clings"], WORK["adds"] = clings, adds
    async with open_tally(MemoryLog()) as store:
        await plan(store, Stream(Flow("clings"), "k"))
        await at_work.wait()
        await plan(store, Cancel("k"), Run(Work("adds")))
        await until(lambda: store.state == 7)
        release.set()


async def test_a_dead_letter_whose_task_clears_up_without_end_gives_its_slot_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(attempts, "SLOTS", 1)
    monkeypatch.setattr(attempts, "STEP_SECONDS", 0.01)

    async def breaks(attempt: Attempt) -> AsyncIterator[Command]:
        try:
            yield Break()
        finally:
            await asyncio.Event().wait()

    STREAMS["breaks"], WORK["adds"] = breaks, adds
    async with open_tally(MemoryLog()) as store:
        await plan(store, Stream(Flow("breaks")), Run(Work("adds")))
        await until(lambda: store.state == 7)

        assert [origin for origin, _ in store.dead_letters()] == ["1.0"]


async def test_a_task_that_outstays_its_time_and_cannot_be_stopped_is_a_dead_letter_in_the_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in ("SLOTS", 1), ("STEP_SECONDS", 0), ("CLEAN_UP_SECONDS", 0.01):
        monkeypatch.setattr(attempts, name, value)
    monkeypatch.setattr(attempts, "AGAIN_SECONDS", 0.001)
    begun, release = 0, asyncio.Event()

    async def stubborn(attempt: Attempt) -> None:
        nonlocal begun
        begun += 1
        while not release.is_set():
            try:
                await release.wait()
            except asyncio.CancelledError:
                continue

    WORK["stubborn"], WORK["adds"] = stubborn, adds
    try:
        async with open_tally(MemoryLog()) as store:
            await plan(store, Run(Work("stubborn")))
            await until(lambda: len(store.dead_letters()) == 1)
            monkeypatch.setattr(attempts, "STEP_SECONDS", 5)
            await plan(store, Run(Work("adds")))
            await until(lambda: store.state == 7)
    finally:
        release.set()

    assert begun == 3


class Doomed(MemoryLog):
    """A log whose disk can be broken."""

    is_broken = False

    async def append(self, expected: int, entries: Sequence[Entry]) -> None:
        """As the port says, as long as there is a disk."""
        if self.is_broken:
            raise OSError("the disk is gone")
        await super().append(expected, entries)


async def test_a_store_whose_log_has_failed_does_not_wait_for_what_it_cannot_store(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(attempts, "CANCEL_SECONDS", 0.05)
    at_work, release = asyncio.Event(), asyncio.Event()

    async def clears_up(attempt: Attempt) -> None:
        at_work.set()
        try:
            await release.wait()
        finally:
            await release.wait()

    WORK["clears up"] = clears_up
    event_log = Doomed()
    with pytest.raises(BaseExceptionGroup) as ended:  # noqa: PT012 - the context is what fails
        async with asyncio.timeout(5) as limit, open_tally(event_log, grace_seconds=60) as store:
            await plan(store, Run(Work("clears up")))
            await at_work.wait()
            event_log.is_broken = True
            await asyncio.wait([store.submit(Add(1), by=ME)])
            await asyncio.Event().wait()
    release.set()

    assert ended.group_contains(OSError, match="the disk is gone")
    assert not limit.expired()


async def test_what_a_task_leads_to_after_the_end_is_not_waited_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(attempts, "CANCEL_SECONDS", 0.05)
    release, at_work = asyncio.Event(), asyncio.Event()

    async def late(attempt: Attempt) -> Command:
        at_work.set()
        with suppress(asyncio.CancelledError):
            await release.wait()
        await release.wait()
        return Add(1)

    WORK["late"] = late
    async with open_tally(MemoryLog(), grace_seconds=0.05) as store:
        await plan(store, Run(Work("late")))
        await at_work.wait()
    (attempt,) = [task for task in asyncio.all_tasks() if task.get_name() == "1.0"]
    release.set()

    async with asyncio.timeout(5):
        await attempt
    assert store.state == 0


async def test_a_node_whose_turn_begins_while_it_closes_waits_in_peace(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(lease, "LEASE_SECONDS", 0.9)
    event_log, begun, ended = SharedMemoryLog(), asyncio.Event(), asyncio.Event()

    async def clears_up_slowly(attempt: Attempt) -> None:
        begun.set()
        try:
            await ended.wait()
        finally:
            await asyncio.sleep(0.6)

    async def live() -> None:
        async with open_tally(event_log, grace_seconds=5) as store:
            await plan(store, Run(Work("slow")))
            await begun.wait()

    WORK["slow"] = clears_up_slowly
    life, before = asyncio.create_task(live()), process_time()
    await begun.wait()
    await event_log.release("effects")  # as if it had lapsed: the next claim is another term
    await life

    assert process_time() - before < 0.2, "it went round in circles until the lease was over"


async def test_a_dead_letter_that_is_retried_while_it_clears_up_is_performed_again() -> None:
    clearing, cleared = asyncio.Event(), asyncio.Event()
    begun = 0

    async def flow(attempt: Attempt) -> AsyncIterator[Command]:
        nonlocal begun
        begun += 1
        if begun > 1:
            yield Add(5)
            return
        try:
            yield Break()
        finally:
            clearing.set()
            await cleared.wait()

    STREAMS["flow"] = flow
    async with open_tally(MemoryLog()) as store:
        await plan(store, Stream(Flow("flow")))
        await clearing.wait()
        await store.retry("1.0", by=ME)
        for _ in range(3):
            await store.dispatch(Add(0), by=ME)
        assert begun == 1
        cleared.set()
        await until(lambda: store.state == 5)

    assert begun == 2


class Narrow(MemoryLog):
    """A log that takes no entry of an Added of 13."""

    async def append(self, expected: int, entries: Sequence[Entry]) -> None:
        """As the port says."""
        events = [decode(entry.event) for entry in entries if entry.event is not None]
        if any(isinstance(event, Added) and event.amount == 13 for event in events):
            raise TooLarge("13 is too much")
        await super().append(expected, entries)


async def too_much(attempt: Attempt) -> Command:
    return Add(13)


async def too_much_between(attempt: Attempt) -> AsyncIterator[Command]:
    for amount in (1, 13, 1)[attempt.given :]:
        yield Add(amount)


@pytest.mark.parametrize(
    ("effect", "done"),
    [
        (Dispatch(Add(13)), 0),
        (Delay(0, Add(13)), 0),
        (Run(Work("too much")), 0),
        (Stream(Flow("too much between")), 1),
    ],
)
async def test_an_effect_that_leads_to_more_than_the_log_takes_is_a_dead_letter(
    effect: Durable[Command], done: int
) -> None:
    WORK["too much"], STREAMS["too much between"] = too_much, too_much_between
    async with open_tally(Narrow()) as store:
        await plan(store, effect)
        await until(lambda: len(store.dead_letters()) > 0)
        await store.dispatch(Add(2), by=ME)  # and nobody else is held up

        ((origin, dead),) = store.dead_letters()
        assert (origin, store.state) == ("1.0", done + 2)
        assert dead.dead is not None
        assert "more than the event log takes" in dead.dead


class NarrowAndFull(Narrow):
    """A log that has no room, either, the first time that a dead letter is to be stored."""

    is_full = True

    async def append(self, expected: int, entries: Sequence[Entry]) -> None:
        """As the port says."""
        if self.is_full and any((entry.outcome or "").startswith("dead") for entry in entries):
            self.is_full = False
            raise LogFull("the disk is full")
        await super().append(expected, entries)


async def test_a_dead_letter_that_cannot_be_stored_is_one_later(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(effects, "AGAIN_SECONDS", 0.001)
    async with open_tally(NarrowAndFull()) as store:
        await plan(store, Dispatch(Add(13)))
        await until(lambda: len(store.dead_letters()) == 1)


def no_rows(state: int) -> Iterator[Row]:
    raise TypeError("that has no JSON form")


async def test_a_state_that_cannot_be_written_down_stops_nobody(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(snapshot, "ENTRIES_BETWEEN", 3)
    monkeypatch.setattr(snapshot, "ENTRIES_AT_THE_END", 1)
    async with open_tally(MemoryLog(), replace(TALLY, encode_state=no_rows)) as store:
        for _ in range(10):
            await store.dispatch(Add(1), by=ME)

    assert store.state == 10


async def test_a_snapshot_that_cannot_be_read_is_no_hindrance(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(snapshot, "ENTRIES_AT_THE_END", 1)
    event_log = MemoryLog()
    async with open_tally(event_log) as store:
        await store.dispatch(Add(1), by=ME)
    [kept] = event_log._snapshots
    event_log._snapshots[:] = [replace(kept, rows=[("head", "[")])]

    async with open_tally(event_log) as store:
        assert store.state == 1


class AwayAtFirst(MemoryLog):
    """A log that cannot be reached the next few times that something is read of it."""

    away = 0

    async def read(self, after: int, limit: int) -> Sequence[Entry]:
        """As the port says."""
        self.not_away()
        return await super().read(after, limit)

    async def load_snapshot(self, fingerprint: str | None) -> Snapshot | None:
        """As the port says."""
        self.not_away()
        return await super().load_snapshot(fingerprint)

    def not_away(self) -> None:
        """Raise LogUnavailable a few times."""
        if self.away:
            self.away -= 1
            raise LogUnavailable("away")


@pytest.mark.parametrize("away", [1, 2, 3])
async def test_a_start_waits_for_a_log_that_is_away_for_a_moment(
    away: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replay, "SECONDS_BETWEEN_TRIES", 0.001)
    event_log = AwayAtFirst()
    async with open_tally(event_log) as store:
        await store.dispatch(Add(1), by=ME)
    event_log.away = away

    async with open_tally(event_log) as store:
        assert (store.state, event_log.away) == (1, 0)


async def test_a_rule_that_stumbles_over_an_old_event_names_its_position() -> None:
    event_log = MemoryLog()
    async with open_tally(event_log) as store:
        await store.dispatch(Add(1), by=ME)
        await store.dispatch(Add(1), by=ME)
    event_log._entries[1] = event_log._entries[1]._replace(role="emperor")

    with pytest.raises(StartRefused, match="position 2: ValueError: 'emperor'"):
        async with open_tally(event_log):
            pass


def test_time_follows_the_wall_clock_forwards_and_goes_on_when_that_is_set_back() -> None:
    wall, steady = 1_000_000, 50.0
    clock = Clock(lambda: wall, lambda: steady)
    wall, steady = 9_000_000, 51.0
    assert clock() == 9_000_000
    wall, steady = 2_000_000, 53.0
    assert clock() == 11_000_000
    clock.not_before(20_000_000)
    steady = 54.0
    assert clock() == 21_000_000


async def test_a_delay_is_due_in_its_time_though_the_wall_clock_is_set_back() -> None:
    wall = 10_000_000_000
    async with open_tally(MemoryLog(), clock=lambda: wall) as store:
        wall += 3_600_000_000
        await store.dispatch(Add(1), by=ME)
        wall -= 3_600_000_000
        await plan(store, Delay(0.01, Add(1)))
        await until(lambda: store.state == 2)
