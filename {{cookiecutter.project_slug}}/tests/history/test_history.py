"""The State at any position of a log, however it is asked for."""

import asyncio
from collections.abc import Sequence
from itertools import count, pairwise
from random import Random

import pytest

from app.core.rejected import Code, Rejected
from app.runtime.event_log.memory import MemoryLog
from app.runtime.event_log.port import Entry, LogUnavailable
from app.runtime.history import ASKED_LAST, CHECKPOINTS, WAITING, Checkpoints, History
from app.runtime.replay import ENTRIES_A_READ
from tests.runtime.tally import TALLY, Added, Command, Event, encode

ENTRIES = 20_000

pytestmark = pytest.mark.anyio


class ReadOnly(MemoryLog):
    """A log that counts what is read of it."""

    def __init__(self, entries: Sequence[Entry]) -> None:
        super().__init__()
        self._entries = list(entries)
        self.counted = 0

    async def read(self, after: int, limit: int) -> Sequence[Entry]:
        """The same, and counted."""
        found = await super().read(after, limit)
        self.counted += len(found)
        return found


def entry(position: int, event: str) -> Entry:
    return Entry(position, position, f"k-{position}", "me", "operator", event=event)


def entries(number: int) -> list[Entry]:
    """Each adds one."""
    return [entry(at, encode(Added(1, 0, at))) for at in range(1, number + 1)]


async def never_gone() -> bool:
    return False


@pytest.fixture
async def log() -> ReadOnly:
    return ReadOnly(entries(ENTRIES))


@pytest.fixture
async def past(log: ReadOnly) -> History[int, Command, Event]:
    return History(log, TALLY)


async def test_the_state_is_that_of_its_position_wherever_one_looked_before(
    past: History[int, Command, Event],
) -> None:
    chance = Random(3)  # noqa: S311 - chosen, not secret

    for position in [0, ENTRIES, *(chance.randint(0, ENTRIES) for _ in range(100))]:
        assert await past.state_at(position, never_gone) == position


async def test_a_second_look_reads_little(
    past: History[int, Command, Event], log: ReadOnly
) -> None:
    await past.state_at(ENTRIES, never_gone)
    assert log.counted == ENTRIES
    log.counted = 0

    await past.state_at(ENTRIES // 2, never_gone)
    first, log.counted = log.counted, 0
    await past.state_at(ENTRIES // 2 + 1, never_gone)

    assert first < 2 * ENTRIES / CHECKPOINTS * 2
    assert log.counted == 1


async def test_there_are_never_more_checkpoints_and_they_lie_evenly() -> None:
    known = Checkpoints("")

    for position in range(1, 300_000):
        known.pass_by(position, str(position))

    kept = sorted(known._kept)
    assert len(kept) <= CHECKPOINTS
    assert {later - earlier for earlier, later in pairwise(kept)} == {4096}
    assert all(str(at or "") == state for at, state in known._kept.items())


async def test_whoever_goes_away_ends_the_reading(
    past: History[int, Command, Event], log: ReadOnly
) -> None:
    asked = count()

    async def gone() -> bool:
        return next(asked) == 3

    with pytest.raises(Rejected, match="has gone"):
        await past.state_at(ENTRIES, gone)

    assert log.counted == 3 * ENTRIES_A_READ


async def test_what_nobody_asks_for_any_more_is_forgotten(
    past: History[int, Command, Event], log: ReadOnly, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.runtime.history.KEPT_SECONDS", 0)

    async with past.turn():
        await past.state_at(ENTRIES, never_gone)
    await asyncio.sleep(0.001)  # a turn of the loop, in which timers are looked at
    log.counted = 0

    assert await past.state_at(5000, never_gone) == 5000
    assert log.counted == 5000


async def test_an_entry_that_cannot_be_read_is_named_and_not_quoted() -> None:
    log = ReadOnly([*entries(5), entry(6, "secret")])
    past = History(log, TALLY)

    with pytest.raises(Rejected) as refusal:
        await past.state_at(6, never_gone)

    assert refusal.value.code is Code.INTERNAL
    assert "at position 6" in refusal.value.message
    assert await past.state_at(5, never_gone) == 5


async def test_one_looks_at_a_time_and_there_is_an_end_to_those_who_wait(
    past: History[int, Command, Event],
) -> None:
    async with past.turn():
        assert past._turn.locked()
        past._waiting = WAITING
        with pytest.raises(Rejected, match="look at the past already"):
            async with past.turn():
                pass


async def test_a_decision_is_all_its_entries_from_whichever_it_is_found() -> None:
    rest = [entry(at, "e")._replace(command="long") for at in range(2, 42)]
    log = ReadOnly([entry(1, "e"), *rest, entry(42, "e")])
    past = History(log, TALLY)

    for position in 2, 20, 41:
        found = await past.decision(position)
        assert [each.position for each in found] == list(range(2, 42))
    assert [each.position for each in await past.decision(1)] == [1]
    assert [each.position for each in await past.decision(42)] == [42]
    for position in 0, 43, 50, 90:
        with pytest.raises(Rejected, match=f"no position {position}") as refusal:
            await past.decision(position)
        assert refusal.value.code is Code.NOT_FOUND


async def test_a_log_that_cannot_be_reached_is_said_to_be_away(
    past: History[int, Command, Event], log: ReadOnly, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def read(after: int, limit: int) -> Sequence[Entry]:
        raise LogUnavailable("the event log postgresql://db is away")

    monkeypatch.setattr(log, "read", read)

    with pytest.raises(Rejected, match="postgresql://db is away") as refusal:
        await past.state_at(6, never_gone)
    assert refusal.value.code is Code.UNAVAILABLE


async def test_nothing_is_forgotten_while_somebody_looks(
    past: History[int, Command, Event], log: ReadOnly, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.runtime.history.KEPT_SECONDS", 0)
    first_goes_on = asyncio.Event()

    async def first() -> None:
        async with past.turn():
            await past.state_at(ENTRIES, never_gone)
            await first_goes_on.wait()

    async def second() -> int:
        async with past.turn():
            await asyncio.sleep(0.001)
            log.counted = 0
            return await past.state_at(ENTRIES - 1, never_gone)

    async with asyncio.timeout(10), asyncio.TaskGroup() as tasks:
        tasks.create_task(first())
        looking = tasks.create_task(second())
        while past._waiting < 2:  # noqa: ASYNC110 - nobody says when
            await asyncio.sleep(0)
        first_goes_on.set()

    assert looking.result() == ENTRIES - 1
    assert log.counted < ENTRIES / 10


async def test_nothing_is_forgotten_when_somebody_looks_again_in_time(
    past: History[int, Command, Event], log: ReadOnly, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.runtime.history.KEPT_SECONDS", 0)
    async with past.turn():
        await past.state_at(ENTRIES, never_gone)

    async with past.turn():
        await asyncio.sleep(0.001)
        log.counted = 0
        await past.state_at(ENTRIES - 1, never_gone)

    assert log.counted < ENTRIES / 10


async def test_of_states_that_were_asked_for_the_one_that_nobody_asks_for_again_goes_first(
    past: History[int, Command, Event], log: ReadOnly
) -> None:
    first, *others = (1001 + 100 * number for number in range(ASKED_LAST + 1))
    for position in first, *others[:-1], first, others[-1]:
        await past.state_at(position, never_gone)
    log.counted = 0

    await past.state_at(first, never_gone)

    assert log.counted == 0
