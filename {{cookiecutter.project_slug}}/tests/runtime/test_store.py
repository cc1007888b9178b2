"""The Store, on a toy domain: any domain gets the same promises."""

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.effects import Dispatch
from app.core.principal import Principal, Role
from app.core.rejected import Code, Rejected, StartRefused
from app.runtime.decide import Decider
from app.runtime.decision import Happened
from app.runtime.event_log import open_event_log
from app.runtime.event_log.memory import MemoryLog
from app.runtime.event_log.port import Entry, LogFull, TooLarge
from app.runtime.group import Outcome
from app.runtime.replay import diagnosis, replay
from tests.runtime.tally import (
    ME,
    TALLY,
    Add,
    Added,
    Break,
    Command,
    Event,
    Shout,
    Shouted,
    encode,
    open_tally,
)

pytestmark = pytest.mark.anyio


async def until(claim: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not claim():  # noqa: ASYNC110 - the Store has no signal for what nobody hears
            await asyncio.sleep(0)


async def test_a_command_gives_its_own_events_and_the_state_it_left() -> None:
    async with open_tally(MemoryLog()) as store:
        first, second = await asyncio.gather(
            store.dispatch(Add(1), by=ME), store.dispatch(Add(2), by=ME)
        )

    assert [happened.event for happened in first.events] == [Added(1, 0, 1)]
    assert [happened.event for happened in second.events] == [Added(2, 0, 3)]
    assert (first.state, first.seq, second.state, second.seq) == (1, 1, 3, 2)


async def test_a_refused_command_changes_nothing_and_costs_nobody_else() -> None:
    async with open_tally(MemoryLog()) as store:
        answers = await asyncio.gather(
            store.dispatch(Add(1), by=ME),
            store.dispatch(Add(-5), by=ME),
            store.dispatch(Add(1), by=ME),
            return_exceptions=True,
        )
        assert (store.state, store.seq) == (2, 2)

    assert isinstance(answers[1], Rejected)
    assert answers[1].message == "-4 is less than nothing"


async def test_the_policy_is_asked_before_the_reducer() -> None:
    async with open_tally(MemoryLog()) as store:
        with pytest.raises(Rejected) as refusal:
            await store.dispatch(Break(), by=Principal("x", Role.ANONYMOUS))

    assert refusal.value.code is Code.UNAUTHENTICATED


@pytest.mark.parametrize("command", [Break(), Break(in_event=True)])
async def test_a_mistake_in_a_rule_costs_its_own_command(command: Break) -> None:
    event_log = MemoryLog()
    async with open_tally(event_log) as store:
        with pytest.raises(Rejected) as refusal:
            await store.dispatch(command, by=ME)
        await store.dispatch(Add(1), by=ME)
        assert store.state == 1

    assert refusal.value.code is Code.INTERNAL
    assert len(await event_log.read(0, 10)) == 1


async def test_only_events_are_broadcast_and_never_commands() -> None:
    heard: list[Happened[Event]] = []
    async with open_tally(MemoryLog()) as store:
        store.listeners.append(heard.extend)
        await store.dispatch(Add(1, more=2), by=ME, id="mine")
        await store.dispatch(Shout("hey"), by=ME)

    assert [happened.event for happened in heard] == [
        Added(1, 2, 1),
        Added(2, 0, 3),
        Shouted("hey"),
    ]
    assert [happened.seq for happened in heard] == [1, 2, None]
    assert [happened.cause for happened in heard] == ["mine", "mine", None]


async def test_an_event_is_heard_when_it_is_applied_and_stored() -> None:
    event_log = MemoryLog()
    seen: list[tuple[int, int]] = []
    async with open_tally(event_log) as store:

        def listen(events: Sequence[Happened[Event]]) -> None:
            seen.append((store.state, len(event_log._entries)))

        store.listeners.append(listen)
        await store.dispatch(Add(4), by=ME)

    assert seen == [(4, 1)]


async def test_a_listener_that_fails_stops_nobody() -> None:
    async with open_tally(MemoryLog()) as store:
        heard: list[Happened[Event]] = []
        store.listeners.append(lambda events: events[99])  # type: ignore[arg-type]
        store.listeners.append(heard.extend)
        await store.dispatch(Add(1), by=ME)
        await store.dispatch(Add(1), by=ME)

    assert len(heard) == 2


async def test_the_state_is_rebuilt_from_the_log(tmp_path: Path) -> None:
    for round_ in range(1, 4):
        event_log = open_event_log(f"sqlite:///{tmp_path}/e.db")
        async with open_tally(event_log) as store:
            await store.dispatch(Add(1), by=ME)
            assert store.state == round_
        await event_log.close()


STORED = Entry(
    1,
    5,
    "k",
    "me",
    "operator",
    "mine",
    event=encode(Added(1, 2, 1)),
    effects=encode([Dispatch(Add(2))]),
)


async def test_an_effect_that_was_stored_is_performed_after_a_crash_and_once() -> None:
    event_log = MemoryLog()
    await event_log.append(0, [STORED])

    for _ in range(2):
        async with open_tally(event_log) as store:
            await until(lambda: store.state == 3)

    entries = await event_log.read(0, 10)
    assert [entry.settles for entry in entries] == [None, "1.0"]
    assert entries[1].cause == "mine"


async def test_old_events_ask_for_nothing_anew() -> None:
    """Whatever their branch asks for by now: what counts is what was stored with them."""
    event_log = MemoryLog()
    await event_log.append(0, [STORED._replace(effects=None)])

    async with open_tally(event_log) as store:
        await store.dispatch(Add(1), by=ME)

    assert len(await event_log.read(0, 10)) == 2


async def test_an_effect_whose_command_is_refused_has_ended() -> None:
    event_log = MemoryLog()
    async with open_tally(event_log) as store:
        await store.dispatch(Add(1, more=-9), by=ME)
        await until(lambda: store.seq == 2)
    async with open_tally(event_log) as store:
        assert store.state == 1

    entries = await event_log.read(0, 10)
    assert [entry.outcome for entry in entries] == [None, "refused: -8 is less than nothing"]


async def test_a_log_that_cannot_be_read_stops_the_start_and_names_the_place() -> None:
    event_log = MemoryLog()
    await event_log.append(0, [STORED._replace(event="Gone")])

    with pytest.raises(StartRefused, match="position 1: unknown action Gone"):
        async with open_tally(event_log):
            pass


def test_what_an_entry_says_is_not_said_of_one_that_cannot_be_read() -> None:
    """That may be personal, and the lines of the service have none of it."""
    entry = STORED._replace(event='{"Moved":{"to":"12 High Street"}}', effects='["12 High Street"]')
    said = diagnosis(entry, ValueError("no such field"))

    assert "position 1: ValueError: no such field" in said
    assert "High Street" not in said


async def test_a_caller_that_goes_away_does_not_take_its_command_back() -> None:
    async with open_tally(MemoryLog()) as store:
        call = asyncio.create_task(store.dispatch(Add(1), by=ME))
        await asyncio.sleep(0)
        call.cancel()
        await store.dispatch(Add(1), by=ME)

        assert store.state == 2


async def test_who_asks_is_told_at_once_after_the_events_and_harms_nobody() -> None:
    seen: list[object] = []
    async with open_tally(MemoryLog()) as store:
        store.listeners.append(lambda events: seen.extend(each.event for each in events))
        turn = asyncio.Event()

        def then(answer: asyncio.Future[Outcome[int, Event]]) -> None:
            asyncio.get_running_loop().call_soon(turn.set)
            seen.append("refused" if answer.exception() else "done")
            raise RuntimeError("nobody may be stopped by this")

        accepted = store.submit(Add(1), by=ME, then=then)
        refused = store.submit(Add(-5), by=ME, then=then)
        accepted.add_done_callback(lambda _: seen.append("a turn later"))
        await turn.wait()
        with pytest.raises(Rejected):
            await refused
        assert (await store.dispatch(Add(1), by=ME)).state == 2

    assert seen[:4] == [Added(1, 0, 1), "refused", "done", "a turn later"]


@pytest.mark.parametrize("amount", [1, -1])
async def test_others_get_their_turn_between_two_groups(
    amount: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.runtime.queue.COMMANDS_A_COMMIT", 2)
    seen: list[int] = []
    async with open_tally(MemoryLog()) as store:

        def then(_: object) -> None:
            asyncio.get_running_loop().call_soon(lambda: seen.append(store.waiting))

        answers = [store.submit(Add(amount), by=ME, then=then) for _ in range(6)]
        await asyncio.wait(answers)
        await asyncio.sleep(0)

    assert seen == [4, 4, 2, 2, 0, 0], "stored or refused, nobody waits for those behind them"


async def test_a_closed_store_decides_what_waits_and_takes_no_more() -> None:
    async with open_tally(MemoryLog()) as store:
        waiting = store.submit(Add(1), by=ME)

    assert (await waiting).state == 1
    with pytest.raises(Rejected, match="stopping"):
        await store.dispatch(Add(1), by=ME)


class FullOnce(MemoryLog):
    """A log whose disk is full for the first append."""

    is_full = True

    async def append(self, expected: int, entries: Sequence[Entry]) -> None:
        """As the port says, but not always."""
        if self.is_full:
            self.is_full = False
            raise LogFull("the disk is full")
        await super().append(expected, entries)


async def test_a_full_disk_refuses_and_changes_nothing() -> None:
    async with open_tally(FullOnce()) as store:
        with pytest.raises(Rejected) as refusal:
            await store.dispatch(Add(1), by=ME)
        assert store.state == 0
        await store.dispatch(Add(1), by=ME)
        assert store.state == 1

    assert refusal.value.code is Code.UNAVAILABLE


class Failing(MemoryLog):
    """A log whose disk is gone, and which takes no more than so many entries at once."""

    def __init__(self, most: int) -> None:
        super().__init__()
        self.most = most

    async def append(self, expected: int, entries: Sequence[Entry]) -> None:
        """As the port says, but not always."""
        if len(entries) > self.most:
            raise TooLarge("half of it")
        raise OSError("the disk is gone")


@pytest.mark.parametrize("most", [1000, 100])
async def test_a_log_that_fails_ends_the_store_and_every_caller_hears_so(most: int) -> None:
    with pytest.raises(BaseExceptionGroup) as ended:  # noqa: PT012 - the context is what fails
        async with open_tally(Failing(most)) as store:
            answers = [store.submit(Add(1), by=ME) for _ in range(300)]
            await asyncio.wait(answers)

    assert ended.group_contains(OSError)
    assert all(answer.done() for answer in answers)
    refusals = [answer.exception() for answer in answers]
    assert {type(refusal) for refusal in refusals} == {Rejected}


class Replaced(MemoryLog):
    """A log that is found to be another one."""

    async def append(self, expected: int, entries: Sequence[Entry]) -> None:
        """As the port says."""
        raise StartRefused("it was replaced by another log")


async def test_a_log_that_was_replaced_by_another_ends_the_store() -> None:
    """Else it would go on to show what is not so any more, until somebody looks."""
    with pytest.raises(BaseExceptionGroup) as ended:  # noqa: PT012 - the context is what fails
        async with open_tally(Replaced()) as store, asyncio.timeout(5):
            await asyncio.wait([store.submit(Add(1), by=ME)])
            await asyncio.Event().wait()

    assert ended.group_contains(StartRefused)


class Mute(MemoryLog):
    """A log that never answers an append."""

    async def append(self, expected: int, entries: Sequence[Entry]) -> None:
        """As the port says, but for its end."""
        await asyncio.Event().wait()


async def test_a_log_that_does_not_answer_holds_up_no_close(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("app.runtime.store.LAST_SECONDS", 0.1)
    async with asyncio.timeout(5):
        async with open_tally(Mute(), grace_seconds=0.1) as store:
            answers = [store.submit(Add(1), by=ME) for _ in range(600)]
            await asyncio.sleep(0)
        refusals = [answer.exception() for answer in answers]

    assert {getattr(refusal, "code", None) for refusal in refusals} == {Code.UNAVAILABLE}


COMMANDS = st.one_of(
    st.builds(Add, st.integers(-3, 5), st.integers(-3, 5)),
    st.builds(Shout, st.text(max_size=3)),
)


@given(st.lists(COMMANDS, max_size=20))
def test_whatever_is_sent_the_store_is_what_its_log_says(commands: list[Command]) -> None:
    async def live() -> None:
        event_log = MemoryLog()
        async with open_tally(event_log) as store:
            answers = [store.submit(command, by=ME) for command in commands]
            if answers:
                await asyncio.wait(answers)
            await until(lambda: len(store.head.effects.pending) == 0)
            assert await replay(event_log, Decider(TALLY)) == (store.head, 0)

    asyncio.run(live())


async def test_so_many_commands_wait_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.runtime.queue.WAITING_COMMANDS", 5)
    async with open_tally(MemoryLog()) as store:
        answers = [store.submit(Add(1), by=ME) for _ in range(8)]
        await asyncio.wait(answers)

        refusals = [answer.exception() for answer in answers[5:]]
        assert store.state == 5
    assert [answer.result().seq for answer in answers[:5]] == [1, 2, 3, 4, 5]
    for refusal in refusals:
        assert isinstance(refusal, Rejected)
        assert (refusal.code, refusal.retry_after) == (Code.UNAVAILABLE, 1)


async def test_every_event_that_follows_from_a_command_names_it_as_its_cause() -> None:
    heard: list[Happened[Event]] = []
    async with open_tally(MemoryLog()) as store:
        store.listeners.append(heard.extend)
        await asyncio.gather(
            store.dispatch(Add(1, more=1), by=ME, id="a"),
            store.dispatch(Add(1, more=1), by=ME, id="b"),
        )
        await until(lambda: store.seq == 4)

    assert [happened.cause for happened in heard] == ["a", "b", "a", "b"]
