"""A command that is sent twice under one id is done once, and answered alike."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from app.core.effects import Append
from app.core.environment import Environment
from app.core.principal import Principal, Role
from app.core.rejected import Code, Rejected
from app.runtime.event_log import open_event_log
from app.runtime.event_log.memory import MemoryLog
from app.runtime.event_log.port import Entry
from app.runtime.remembered import Remembered
from tests.runtime.tally import (
    FORGETFUL,
    ME,
    TALLY,
    Add,
    Added,
    Command,
    Effect,
    Event,
    Shout,
    open_tally,
    reduce,
)

pytestmark = pytest.mark.anyio

YOU = Principal("you", Role.CUSTOMER)


async def test_the_second_time_gives_the_first_answer_and_does_nothing() -> None:
    async with open_tally(MemoryLog()) as store:
        first = await store.dispatch(Add(1), by=ME, id="a")
        await store.dispatch(Add(10), by=ME)
        second = await store.dispatch(Add(1), by=ME, id="a")

        assert store.state == 11
    assert (first.duplicate, second.duplicate) == (False, True)
    assert second.events == first.events
    assert second.seq == first.seq == 1


async def test_twins_in_one_commit_are_done_once() -> None:
    event_log = MemoryLog()
    async with open_tally(event_log) as store:
        outcomes = await asyncio.gather(*(store.dispatch(Add(1), by=ME, id="a") for _ in range(5)))

        assert store.state == 1
    assert [outcome.duplicate for outcome in outcomes] == [False, True, True, True, True]
    assert {outcome.seq for outcome in outcomes} == {1}
    assert len(await event_log.read(0, 10)) == 1


async def test_an_id_that_was_given_to_another_command_is_refused() -> None:
    async with open_tally(MemoryLog()) as store:
        await store.dispatch(Add(1), by=ME, id="a")
        with pytest.raises(Rejected, match="the id a was given to another command") as refusal:
            await store.dispatch(Add(2), by=ME, id="a")

        assert store.state == 1
    assert refusal.value.code is Code.ID_REUSED


async def test_two_principals_may_use_one_id() -> None:
    async with open_tally(MemoryLog()) as store:
        await store.dispatch(Add(1), by=ME, id="a")
        outcome = await store.dispatch(Add(1), by=YOU, id="a")

    assert (outcome.duplicate, outcome.state) == (False, 2)


async def test_a_refused_command_leaves_no_trace_and_may_succeed_later() -> None:
    event_log = MemoryLog()
    async with open_tally(event_log) as store:
        with pytest.raises(Rejected, match="less than nothing"):
            await store.dispatch(Add(-1), by=ME, id="a")
        assert store.seq == 0
        await store.dispatch(Add(1), by=ME)
        outcome = await store.dispatch(Add(-1), by=ME, id="a")

    assert (outcome.duplicate, outcome.state) == (False, 0)


async def test_a_command_without_durable_events_is_done_once_too() -> None:
    heard: list[object] = []
    async with open_tally(MemoryLog()) as store:
        store.listeners.append(heard.extend)
        await store.dispatch(Shout("hey"), by=ME, id="a")
        again = await store.dispatch(Shout("hey"), by=ME, id="a")

    assert again.duplicate
    assert len(heard) == 1


async def test_ids_are_remembered_after_a_restart(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/e.db"
    for life in range(3):
        event_log = open_event_log(url)
        async with open_tally(event_log) as store:
            outcome = await store.dispatch(Add(1), by=ME, id="a")
            assert outcome.duplicate is (life > 0)
            assert [happened.event for happened in outcome.events] == [Added(1, 0, 1)]
            assert store.state == 1
        await event_log.close()


class Read(MemoryLog):
    """A log that notes each time it is read."""

    def __init__(self) -> None:
        super().__init__()
        self.reads: list[tuple[int, int]] = []

    async def read(self, after: int, limit: int) -> Sequence[Entry]:
        """As the port says."""
        self.reads.append((after, limit))
        return await super().read(after, limit)


async def test_who_sends_all_again_after_a_break_costs_few_reads() -> None:
    """And gets what was answered then, each its own, in pairs that belong to one decision too."""
    event_log = Read()
    async with open_tally(event_log) as store:
        first = [await store.dispatch(Add(n, more=n % 2), by=ME, id=f"{n}") for n in range(300)]
        event_log.reads.clear()
        again = [store.submit(Add(n, more=n % 2), by=ME, id=f"{n}") for n in range(300)]
        second = await asyncio.gather(*again)

    assert [outcome.events for outcome in second] == [outcome.events for outcome in first]
    assert [outcome.seq for outcome in second] == [outcome.seq for outcome in first]
    assert len(event_log.reads) <= 3


@pytest.mark.parametrize("many", [8, 24, 30])
async def test_a_decision_of_many_entries_is_told_whole_the_second_time(many: int) -> None:
    event_log = MemoryLog()
    rules = replace(TALLY, reduce=many_events)
    async with open_tally(event_log, rules) as store:
        small = await store.dispatch(Add(1), by=ME, id="b")
        first = await store.dispatch(Add(many), by=ME, id="a")
        await store.dispatch(Add(1), by=ME)
        again = await asyncio.gather(
            store.dispatch(Add(many), by=ME, id="a"),
            store.dispatch(Add(1), by=ME, id="b"),
            store.dispatch(Add(many), by=ME, id="a"),
        )

    assert [len(outcome.events) for outcome in again] == [many, 1, many]
    assert [outcome.seq for outcome in again] == [first.seq, small.seq, first.seq]


def many_events(state: int, action: Command | Event, env: Environment) -> tuple[int, list[Effect]]:
    """As many events as the command adds."""
    if isinstance(action, Add):
        return state, [Append(Added(1, 0, state + 1 + n)) for n in range(action.amount)]
    return reduce(state, action, env)


async def test_a_first_command_that_cannot_be_read_any_more_costs_its_sender_only() -> None:
    def unreadable(text: str) -> Command:
        raise Rejected(Code.INVALID, "unknown action")

    event_log = MemoryLog()
    async with open_tally(event_log) as store:
        await store.dispatch(Add(1), by=ME, id="a")
    async with open_tally(event_log, replace(TALLY, decode_command=unreadable)) as store:
        again, other = await asyncio.gather(
            store.dispatch(Add(1), by=ME, id="a"),
            store.dispatch(Add(10), by=ME),
            return_exceptions=True,
        )

        assert store.state == 11
    assert isinstance(again, Rejected)
    assert not isinstance(other, BaseException)


async def test_ids_are_forgotten_in_the_end() -> None:
    now = 1_000_000_000_000_000
    async with open_tally(MemoryLog(), FORGETFUL, clock=lambda: now) as store:
        await store.dispatch(Add(1), by=ME, id="a")
        now += 900_000
        assert (await store.dispatch(Add(1), by=ME, id="a")).duplicate
        for number in range(2):
            now += 1_100_000
            await store.dispatch(Add(0), by=ME, id=f"b{number}")
        outcome = await store.dispatch(Add(1), by=ME, id="a")

    assert not outcome.duplicate


def test_there_is_room_for_so_many_ids_and_the_oldest_are_forgotten_first(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("app.runtime.remembered.MOST", 3)
    kept, keys = Remembered(), [("operator", "me", f"{number}") for number in range(10)]
    for position, key in enumerate(keys):
        kept = kept.added(key, position, now=0, window=1)

    assert len(kept.young) + len(kept.old) <= 6
    assert [kept.get(key) for key in keys[-3:]] == [7, 8, 9]
