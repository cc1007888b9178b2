"""Whatever the log answers, or fails to answer, nothing is lost and nothing done twice."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import Any

import pytest

from app.core.effects import Append, Dispatch
from app.core.environment import Environment
from app.core.rejected import Code, Rejected
from app.runtime import commit
from app.runtime.commit import CONFLICTS
from app.runtime.decision import Happened
from app.runtime.event_log.growth import ENTRIES_A_READ
from app.runtime.event_log.port import AnswerLost, Conflict, Entry, LogUnavailable, TooLarge
from tests.runtime.event_log.shared_memory import SharedMemoryLog
from tests.runtime.tally import ME, TALLY, Add, Added, Event, encode, open_tally, reduce

pytestmark = pytest.mark.anyio


class Shared(SharedMemoryLog):
    """A log that others write to as well, and whose answers get lost."""

    def __init__(self) -> None:
        super().__init__()
        self.others: list[Entry] = []
        self.conflicts = 0
        self.answers_to_lose: list[str] = []
        self.most = 100
        self.then: Exception = Conflict("as before")
        """What an append of more meets when one of no more has been stored."""
        self.sizes: list[int] = []

    async def append(self, expected: int, entries: Sequence[Entry]) -> None:
        """As the port says, but others are faster, and the line breaks."""
        if len(entries) > self.most:
            raise self.then if self.sizes else Conflict("others are faster with fewer")
        self.sizes.append(len(entries))
        self._entries.extend(self.others)
        self.others = []
        if self.conflicts:
            self.conflicts -= 1
            raise Conflict("others are faster")
        how = self.answers_to_lose.pop() if self.answers_to_lose else ""
        if how != "before":
            await super().append(expected, entries)
        if how:
            raise AnswerLost("the line broke")


class Silent(Shared):
    """A log that loses an answer, and then takes its time to say that it is away."""

    looks = 0

    async def read(self, after: int, limit: int) -> Sequence[Entry]:
        """Nothing, while there is something to look up."""
        if not self.sizes:
            return await super().read(after, limit)
        self.looks += 1
        await asyncio.sleep(0.1)
        raise LogUnavailable("no answer")


class Deaf(Shared):
    """A log whose nodes have not heard yet of what others have stored."""

    async def tail(self, after: int) -> AsyncIterator[Sequence[Entry]]:
        """Nothing, for now."""
        await asyncio.Event().wait()
        yield ()


def theirs(position: int, total: int, effects: str | None = None) -> Entry:
    event = encode(Added(total, 0, total))
    return Entry(position, 5, f"their-{position}", "x", "operator", event=event, effects=effects)


async def test_on_a_conflict_the_store_catches_up_and_decides_again() -> None:
    event_log = Shared()
    heard: list[object] = []
    async with open_tally(event_log) as store:
        store.listeners.append(heard.extend)
        event_log.others = [theirs(1, 100), theirs(2, 200)]
        outcomes = await asyncio.gather(*(store.dispatch(Add(1), by=ME) for _ in range(3)))

        assert store.state == 203
    assert [outcome.state for outcome in outcomes] == [201, 202, 203]
    assert [happened.seq for happened in heard] == [1, 2, 3, 4, 5]  # type: ignore[attr-defined]


async def test_whatever_others_have_stored_is_heard_of_however_much_it_is() -> None:
    event_log, heard = SharedMemoryLog(), list[Happened[Event]]()
    await event_log.another_node().claim("effects", 60)  # who has its turn reads all at once
    async with open_tally(event_log) as store, asyncio.timeout(10):
        store.listeners.append(heard.extend)
        await event_log.append(0, [theirs(n, n) for n in range(1, 3 * ENTRIES_A_READ)])
        while store.seq < 3 * ENTRIES_A_READ - 1:  # noqa: ASYNC110 - nobody says when
            await asyncio.sleep(0)

    assert [happened.seq for happened in heard] == list(range(1, 3 * ENTRIES_A_READ))


async def test_effects_that_others_have_stored_are_seen() -> None:
    event_log = Shared()
    async with open_tally(event_log) as store:
        event_log.others = [theirs(1, 100, encode([Dispatch(Add(1000))]))]
        await store.dispatch(Add(1), by=ME)
        async with asyncio.timeout(5):
            while store.state != 1101:  # noqa: ASYNC110 - nobody says when
                await asyncio.sleep(0)


async def test_a_refusal_is_not_given_by_what_others_have_changed() -> None:
    event_log = Deaf()
    await event_log.another_node().claim("effects", 60)
    async with open_tally(event_log) as store:
        await event_log.append(0, [theirs(1, 100), theirs(2, 200)])
        outcome = await store.dispatch(Add(-150), by=ME)
        with pytest.raises(Rejected) as refusal:
            await store.dispatch(Add(-51), by=ME)

    assert (outcome.state, outcome.seq) == (50, 3)
    assert refusal.value.code is Code.CONFLICT


async def test_whoever_is_too_slow_with_many_decides_fewer_at_a_time() -> None:
    event_log = Shared()
    event_log.most = 3
    async with open_tally(event_log) as store:
        await asyncio.gather(*(store.dispatch(Add(1), by=ME) for _ in range(20)))
        assert store.state == 20
        event_log.most, event_log.sizes = 100, []
        for _ in range(6):
            await asyncio.gather(*(store.dispatch(Add(1), by=ME) for _ in range(20)))

    assert event_log.sizes[-1] == 20  # and more again when nobody is in its way


async def test_what_is_stored_already_is_not_stored_again_when_the_rest_is_too_large() -> None:
    event_log = Shared()
    event_log.most, event_log.then = 3, TooLarge("too much")
    async with open_tally(event_log) as store:
        await asyncio.gather(*(store.dispatch(Add(1), by=ME) for _ in range(20)))

        assert store.state == 20
    assert sum(event_log.sizes) == 20


async def test_a_log_that_is_never_free_is_unavailable_for_now() -> None:
    event_log = Shared()
    async with open_tally(event_log) as store:
        event_log.conflicts = CONFLICTS
        with pytest.raises(Rejected) as refusal:
            await store.dispatch(Add(1), by=ME)
        assert store.state == 0
        await store.dispatch(Add(1), by=ME)

        assert store.state == 1
    assert (refusal.value.code, refusal.value.retry_after) == (Code.UNAVAILABLE, 1)


class Patient(Random):
    """Chance that waits for nothing, and keeps for how long it might have waited."""

    def __init__(self) -> None:
        super().__init__()
        self.longest: list[float] = []

    def uniform(self, a: float, b: float) -> float:
        """The least."""
        self.longest.append(b)
        return a


async def test_whoever_loses_again_and_again_leaves_the_others_more_time_but_not_without_end() -> (
    None
):
    event_log, chance = Shared(), Patient()
    async with open_tally(event_log, chance=chance) as store:
        event_log.conflicts = CONFLICTS - 1
        await store.dispatch(Add(1), by=ME)

    assert len(chance.longest) == CONFLICTS - 2  # the first is nobody's fault
    assert chance.longest == sorted(chance.longest)
    assert 0 < chance.longest[0] < chance.longest[-1] == commit.LONGEST_WAIT


@pytest.mark.parametrize("how", ["before", "after"])
async def test_an_append_whose_answer_was_lost_is_looked_up(how: str) -> None:
    event_log = Shared()
    async with open_tally(event_log) as store:
        event_log.answers_to_lose = [how]
        outcome = await store.dispatch(Add(1), by=ME)
        await store.dispatch(Add(1), by=ME)

    assert (outcome.state, store.state) == (1, 2)
    assert len(await event_log.read(0, 10)) == 2


async def test_a_lost_answer_that_hid_a_conflict_is_one() -> None:
    event_log = Shared()
    async with open_tally(event_log) as store:
        event_log.others, event_log.answers_to_lose = [theirs(1, 100)], ["before"]
        outcome = await store.dispatch(Add(1), by=ME)

    assert (outcome.state, outcome.seq) == (101, 2)


async def test_who_cannot_be_told_what_was_stored_does_not_wait_for_many_looks(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(commit, "SECONDS_OF_LOOKS", 0.25)
    monkeypatch.setattr(commit, "SECONDS_BETWEEN_LOOKS", 0.01)
    event_log = Silent()
    async with open_tally(event_log) as store:
        event_log.answers_to_lose = ["before"]
        with pytest.raises(Rejected) as refusal:
            await store.dispatch(Add(1), by=ME)
        looks, event_log.sizes = event_log.looks, []

    assert refusal.value.message == commit.UNSURE.message
    assert looks <= 4


@dataclass(frozen=True, slots=True)
class Ensure:
    """Have the total be this."""

    total: int


def ensuring(state: int, action: Any, env: Environment) -> tuple[int, list[Any]]:
    """The rules, and one that asks for nothing where all is so already."""
    if not isinstance(action, Ensure):
        return reduce(state, action, env)
    by = action.total - state
    return state, [Append(Added(by, 0, action.total))] if by else []


async def test_that_all_is_so_already_is_not_said_by_who_has_not_heard_of_the_latest() -> None:
    event_log = Deaf()
    await event_log.another_node().claim("effects", 60)
    async with open_tally(event_log, replace(TALLY, reduce=ensuring)) as store:
        await event_log.append(0, [theirs(1, 5)])
        outcome = await store.dispatch(Ensure(0), by=ME)  # type: ignore[arg-type]

        assert store.state == 0
    assert outcome.seq == 2
