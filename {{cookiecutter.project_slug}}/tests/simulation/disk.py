"""A disk that survives crashes, and an event log on it that fails in every way it may."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from random import Random

from app.runtime.event_log.port import AnswerLost, Conflict, Entry, LogFull, Row, Snapshot


class DiskBroken(OSError):
    """What no log can go on after."""


@dataclass(slots=True)
class Disk:
    """What is left after a crash."""

    epoch: str
    entries: list[Entry] = field(default_factory=list)
    snapshot: Snapshot | None = None
    terms: int = 0

    def next_term(self) -> int:
        """One that there never was."""
        self.terms += 1
        return self.terms


@dataclass(frozen=True, slots=True)
class Weather:
    """How likely each failure is, how long the disk takes (seconds), and how long the outside.

    `clock` is how often a second something happens to the time.
    """

    full: float = 0.0
    conflict: float = 0.0
    lost: float = 0.0
    broken: float = 0.0
    outside: float = 0.0
    clock: float = 0.0
    disk_seconds: float = 0.001
    outside_seconds: float = 0.01


CALM = Weather(clock=0.01)


@dataclass(slots=True)
class SimulatedLog:
    """The port, on a disk. `step` is called before and after each thing that is done to it.

    `met` counts the failures. `asked` hears what is to be appended, `refused` what had no room,
    `stored` what is appended; each may fail.
    """

    disk: Disk
    weather: Weather
    chance: Random
    met: Counter[str]
    asked: Callable[[Sequence[Entry]], None]
    refused: Callable[[Sequence[Entry]], None]
    stored: Callable[[int, Sequence[Entry]], None]
    step: Callable[[], Awaitable[None]]
    epoch: str = ""
    _term: int = 0

    def __post_init__(self) -> None:
        self.epoch = self.disk.epoch

    @property
    def is_shared(self) -> bool:
        """One node at a time has it."""
        return False

    async def append(self, expected: int, entries: Sequence[Entry]) -> None:
        """As the port says, and as the weather is."""
        self.asked(entries)
        await self._moment()
        weather, fate = self.weather, self.chance.random()
        if (fate := fate - weather.full) < 0:
            self.refused(entries)
            raise self._failed("full", LogFull("the disk is full"))
        if (fate := fate - weather.conflict) < 0:
            raise self._failed("conflict", Conflict("for no reason"))
        if (fate := fate - weather.lost) < 0:
            raise self._failed("lost before", AnswerLost("the line broke"))
        if (fate := fate - weather.broken) < 0:
            raise self._failed("broken before", DiskBroken("before it was stored"))
        self.stored(expected, entries)
        self.disk.entries.extend(entries)
        await self._moment()
        if (fate := fate - weather.lost) < 0:
            raise self._failed("lost after", AnswerLost("the line broke"))
        if (fate := fate - weather.broken) < 0:
            raise self._failed("broken after", DiskBroken("after it was stored"))

    async def read(self, after: int, limit: int) -> Sequence[Entry]:
        """At most `limit` entries from the one after position `after`."""
        await self._moment()
        if self.chance.random() < self.weather.broken / 4:
            raise self._failed("broken at a read", DiskBroken("it cannot be read"))
        return self.disk.entries[after : after + limit]

    async def end(self) -> int:
        """The position of the last entry."""
        await self._moment()
        return len(self.disk.entries)

    async def save_snapshot(
        self, position: int, fingerprint: str, rows: AsyncIterator[Sequence[Row]]
    ) -> None:
        """Store a snapshot in place of the one before, once all of it is there.

        A crash or a full disk may come between any two rows.
        """
        kept: list[Row] = []
        async for some in rows:
            if self.chance.random() < self.weather.full / 10:
                raise self._failed("full at a snapshot", LogFull("the disk is full"))
            if self.chance.random() < 0.2:
                await self._moment()
            kept.extend(some)
        self.disk.snapshot = Snapshot(position, fingerprint, kept)
        self.met["snapshot saved"] += 1

    async def load_snapshot(self, fingerprint: str | None) -> Snapshot | None:
        """The snapshot, if there is one and this fingerprint is its own."""
        await self._moment()
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
        while True:
            if entries := await self.read(after, 1000):
                yield entries
                after = entries[-1].position
            else:
                await asyncio.sleep(1)

    async def claim(self, name: str, seconds: float) -> int | None:
        """A life that is over holds nothing."""
        self._term = self._term or self.disk.next_term()
        return self._term

    async def release(self, name: str) -> None:
        """The next claim has another term."""
        self._term = 0

    async def announce(self, text: str) -> None:
        """There is nobody else."""

    async def announcements(self) -> AsyncIterator[str]:
        """Nothing is announced."""
        await asyncio.Event().wait()
        yield ""

    async def close(self) -> None:
        """Nothing is held."""

    async def _moment(self) -> None:
        await self.step()
        await asyncio.sleep(self.chance.expovariate(1 / self.weather.disk_seconds))
        await self.step()

    def _failed(self, how: str, fault: Exception) -> Exception:
        self.met[how] += 1
        return fault
