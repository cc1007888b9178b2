"""A node begins with effects only while it is its turn, whatever happens while it catches up."""

import asyncio
from collections.abc import Callable, Sequence

import pytest

from app.core.effects import Delay
from app.runtime import lease
from app.runtime.effects import Performer
from app.runtime.event_log.port import Entry, LogUnavailable
from tests.runtime.event_log.shared_memory import SharedMemoryLog
from tests.runtime.tally import ME, Add, Plan, open_tally

pytestmark = pytest.mark.anyio

SECONDS = 10


class Stalling(SharedMemoryLog):
    """A log whose reads, and then its renewals, wait for the test."""

    def __init__(self) -> None:
        super().__init__()
        self.is_stalling = self.is_away = False
        self.begun, self.told = asyncio.Event(), asyncio.Event()

    async def read(self, after: int, limit: int) -> Sequence[Entry]:
        """As the port says, but later."""
        if self.is_stalling:
            self.begun.set()
            await self.told.wait()
        return await super().read(after, limit)

    async def claim(self, name: str, seconds: float) -> int | None:
        """As the port says, until it is away."""
        if self.is_away:
            raise LogUnavailable("away")
        term = await super().claim(name, seconds)
        self.is_stalling = True  # what is read from now on is read to catch up
        return term


@pytest.fixture
def starts(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many effects each start of a performer begins with."""
    found: list[int] = []
    usual = Performer.start

    def start(self: Performer[object], pending: dict[str, object]) -> None:
        found.append(len(pending))
        usual(self, pending)  # type: ignore[arg-type]

    monkeypatch.setattr(Performer, "start", start)
    return found


async def until(is_so: Callable[[], object]) -> None:
    async with asyncio.timeout(SECONDS):
        while not is_so():  # noqa: ASYNC110 - nobody says when
            await asyncio.sleep(0.005)


async def test_a_lease_that_lapses_meanwhile_begins_nothing_and_the_next_one_does(
    starts: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lease, "LEASE_SECONDS", 0.3)
    log = Stalling()
    async with open_tally(log) as store, asyncio.timeout(SECONDS):
        await log.begun.wait()
        log.is_away = True
        await until(lambda: not store.performs_effects)
        log.is_stalling = False
        log.told.set()
        await asyncio.sleep(0.05)  # it goes on
        assert starts == []

        log.is_away = False
        await until(lambda: starts)
        assert store.performs_effects
        await store.dispatch(Plan((Delay(0, Add(5)),)), by=ME)
        await until(lambda: store.state == 5)
    assert starts == [0]


async def test_a_lease_that_comes_back_meanwhile_begins_with_all_that_is_pending(
    starts: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lease, "LEASE_SECONDS", 0.3)
    log = Stalling()
    async with open_tally(log) as store, asyncio.timeout(SECONDS):
        await log.begun.wait()
        log.is_away = True
        await until(lambda: not store.performs_effects)
        log.is_away = False
        await until(lambda: store.performs_effects)
        log.told.set()

        await until(lambda: starts)
        await store.dispatch(Plan((Delay(0, Add(5)),)), by=ME)
        await until(lambda: store.state == 5)


async def test_a_store_that_is_closed_meanwhile_begins_nothing(starts: list[int]) -> None:
    log = Stalling()
    async with open_tally(log) as store, asyncio.timeout(SECONDS):
        await log.begun.wait()
        closing = asyncio.create_task(store.close(0.2))
        await asyncio.sleep(0.05)  # it has told its performer to stop
        log.told.set()
        await closing
    assert starts == []


class Elsewhere(SharedMemoryLog):
    """A log whose lease another node has had, and given back, between two renewals."""

    terms = iter([1, 1, 2])

    async def claim(self, name: str, seconds: float) -> int | None:
        """Its term now."""
        return next(self.terms, 2)


async def test_a_node_that_has_its_turn_again_begins_again(
    starts: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lease, "LEASE_SECONDS", 0.3)
    async with open_tally(Elsewhere()) as store:
        await store.dispatch(Plan((Delay(60, Add(1)),)), by=ME)
        await until(lambda: len(starts) == 2)
