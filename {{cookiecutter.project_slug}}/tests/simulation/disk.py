"""A disk that survives crashes, and an event log on it that fails in every way it may."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from random import Random
from typing import TYPE_CHECKING, NamedTuple

from app.runtime.event_log.port import AnswerLost, Conflict, Entry, LogFull, Row, Snapshot
from tests.simulation.weather import CALM, Weather

if TYPE_CHECKING:
    from tests.simulation.shared import SharedLog


class DiskBroken(OSError):
    """What no log can go on after."""


class Lease(NamedTuple):
    """Whose turn it is, and until when: seconds since the simulation began."""

    holder: SharedLog
    term: int
    until: float


class Late(NamedTuple):
    """An append that is still on its way at a time when its sender is dead."""

    at: float
    line: SharedLog
    expected: int
    entries: Sequence[Entry]


@dataclass(slots=True)
class Disk:
    """What is left after a crash, the `lines` that nodes have to it, and what is `late` on them."""

    epoch: str
    weather: Weather = CALM
    entries: list[Entry] = field(default_factory=list)
    snapshot: Snapshot | None = None
    leases: dict[str, Lease] = field(default_factory=dict)
    lines: list[SharedLog] = field(default_factory=list)
    late: list[Late] = field(default_factory=list)
    terms: int = 0

    def next_term(self) -> int:
        """One that there never was."""
        self.terms += 1
        return self.terms


@dataclass(slots=True)
class SimulatedLog:
    """The port, on a disk. `step` is called before and after each thing that is done to it.

    `met` counts the failures. `asked` hears what is to be appended, `refused` what had no room,
    `stored` what is appended; each may fail.
    """

    disk: Disk
    chance: Random
    met: Counter[str]
    asked: Callable[[Sequence[Entry]], None]
    refused: Callable[[Sequence[Entry]], None]
    stored: Callable[[int, Sequence[Entry]], None]
    step: Callable[[], Awaitable[None]]
    epoch: str = ""

    def __post_init__(self) -> None:
        self.epoch = self.disk.epoch

    @property
    def is_shared(self) -> bool:
        """One node at a time has it."""
        return False

    async def append(self, expected: int, entries: Sequence[Entry]) -> None:
        """As the port says, and as the weather is."""
        self.asked(entries)
        await self.moment()
        weather, fate = self.disk.weather, self.chance.random()
        if (fate := fate - weather.full) < 0:
            self.refused(entries)
            raise self.failed("full", LogFull("the disk is full"))
        if (fate := fate - weather.conflict) < 0:
            raise self.failed("conflict", Conflict("for no reason"))
        if (fate := fate - weather.lost) < 0:
            raise self.failed("lost before", AnswerLost("the line broke"))
        if (fate := fate - weather.broken) < 0:
            raise self.failed("broken before", DiskBroken("before it was stored"))
        self.store(expected, entries)
        await self.answer()
        if (fate := fate - weather.lost) < 0:
            raise self.failed("lost after", AnswerLost("the line broke"))
        if (fate := fate - weather.broken) < 0:
            raise self.failed("broken after", DiskBroken("after it was stored"))

    def store(self, expected: int, entries: Sequence[Entry]) -> None:
        """It is on the disk now."""
        self.stored(expected, entries)
        self.disk.entries.extend(entries)

    async def read(self, after: int, limit: int) -> Sequence[Entry]:
        """At most `limit` entries from the one after position `after`."""
        await self.moment()
        if self.chance.random() < self.disk.weather.broken / 4:
            raise self.failed("broken at a read", DiskBroken("it cannot be read"))
        return self.disk.entries[after : after + limit]

    async def end(self) -> int:
        """The position of the last entry."""
        await self.moment()
        return len(self.disk.entries)

    async def save_snapshot(
        self, position: int, fingerprint: str, rows: AsyncIterator[Sequence[Row]]
    ) -> None:
        """Store a snapshot in place of the one before, once all of it is there.

        A crash or a full disk may come between any two rows.
        """
        kept: list[Row] = []
        async for some in rows:
            if self.chance.random() < self.disk.weather.full / 10:
                raise self.failed("full at a snapshot", LogFull("the disk is full"))
            if self.chance.random() < 0.2:
                await self.moment()
            kept.extend(some)
        self.disk.snapshot = Snapshot(position, fingerprint, kept)
        self.met["snapshot saved"] += 1

    async def load_snapshot(self, fingerprint: str | None) -> Snapshot | None:
        """The snapshot, if there is one and this fingerprint is its own."""
        await self.moment()
        kept = self.disk.snapshot
        if kept is None:
            return None
        is_ours = kept.fingerprint == fingerprint
        self.met["snapshot used" if is_ours else "snapshot of other code"] += 1
        return replace(kept, rows=list(kept.rows)) if is_ours else None

    async def connect(self) -> None:
        """It is always there."""

    async def tail(self, after: int) -> AsyncIterator[Sequence[Entry]]:
        """Nobody else appends."""
        await asyncio.Event().wait()
        yield ()

    async def claim(self, name: str, seconds: float) -> int | None:
        """There is nobody else."""
        return 1

    async def release(self, name: str) -> None:
        """There is nobody else."""

    async def announce(self, text: str) -> None:
        """There is nobody else."""

    async def announcements(self) -> AsyncIterator[str]:
        """Nothing is announced."""
        await asyncio.Event().wait()
        yield ""

    async def close(self) -> None:
        """Nothing is held."""

    async def moment(self) -> None:
        """Something is done, which takes a while."""
        await self.step()
        await asyncio.sleep(self.chance.expovariate(1 / self.disk.weather.disk_seconds))
        await self.step()

    async def answer(self) -> None:
        """It is told that something was done."""
        await self.moment()

    def failed(self, how: str, fault: Exception) -> Exception:
        """Count the fault."""
        self.met[how] += 1
        return fault
