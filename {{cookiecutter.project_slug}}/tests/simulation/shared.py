"""A log that several nodes share: leases, news of each other, and a line that can be cut."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import suppress
from typing import Any

from app.runtime.event_log.announcements import Announcements
from app.runtime.event_log.growth import Growth
from app.runtime.event_log.port import AnswerLost, Conflict, Entry, LogUnavailable
from app.runtime.lease import LEASE_SECONDS
from tests.simulation.disk import Disk, Late, Lease, SimulatedLog

ARRIVES = 0.7
LATE = 0.01, 1, 10


class SharedLog(SimulatedLog):
    """One node's line to it. While that is cut, nothing arrives, in either direction."""

    def __init__(self, loop: asyncio.AbstractEventLoop, *what: Any) -> None:
        super().__init__(*what)
        self.cut_until = 0.0
        self._has_failed = False
        self._failed_at = -math.inf
        self._on_its_way: tuple[int, Sequence[Entry]] | None = None
        self._loop = loop
        self._growth = Growth()
        self._announcements = Announcements()
        self.disk.lines.append(self)

    @property
    def is_shared(self) -> bool:
        """Others may have it as well."""
        return True

    @property
    def is_cut(self) -> bool:
        """Whether the line is cut now."""
        return self._loop.time() < self.cut_until

    def holds(self, name: str) -> bool:
        """Whether the lease is this node's now, as the log knows it."""
        lease = self.disk.leases.get(name)
        return lease is not None and lease.holder is self and self._loop.time() < lease.until

    @property
    def is_unlucky(self) -> bool:
        """Whether what is decided now may have been decided before, under a lease that is over.

        That settles nothing twice: it is decided on what the others have stored meanwhile.
        """
        return self._has_failed or self._loop.time() - self._failed_at < LEASE_SECONDS

    async def append(self, expected: int, entries: Sequence[Entry]) -> None:
        """As the port says."""
        self._on_its_way = expected, entries
        try:
            await super().append(expected, entries)
        except Exception as problem:
            self._on_its_way = None
            if isinstance(problem, AnswerLost | Conflict):
                self._has_failed, self._failed_at = True, self._loop.time()
            raise
        self._has_failed = False
        self._growth.appended(entries)

    def store(self, expected: int, entries: Sequence[Entry]) -> None:
        """Store them, unless another node was faster, and let the others know."""
        self._on_its_way = None
        end = len(self.disk.entries)
        if end != expected:
            raise self.failed("overtaken", Conflict(f"the log ends at {end}"))
        super().store(expected, entries)
        self._notify(lambda line: line._growth.told(expected + len(entries)))

    def leave(self) -> None:
        """Its node is dead; what is on its way may arrive all the same."""
        self.disk.lines[:] = [line for line in self.disk.lines if line is not self]
        if self._on_its_way is not None and self.chance.random() < ARRIVES:
            at = self._loop.time() + self.chance.choice(LATE)
            self.disk.late.append(Late(at, self, *self._on_its_way))

    def tail(self, after: int) -> AsyncIterator[Sequence[Entry]]:
        """Every entry after a position, as they are appended."""
        return self._growth.tail(self.read, after)

    async def claim(self, name: str, seconds: float) -> int | None:
        """Take or renew the lease; its seconds count from when the log has heard of it."""
        await self.moment()
        lease, now = self.disk.leases.get(name), self._loop.time()
        if lease is None or now >= lease.until:
            self.met["lease taken"] += 1
            lease = Lease(self, self.disk.next_term(), now)
        if lease.holder is self:
            self.disk.leases[name] = lease = lease._replace(until=now + seconds)
        await self.moment()
        return lease.term if lease.holder is self else None

    async def release(self, name: str) -> None:
        """Let another node have the lease at once."""
        await self.moment()
        if self.holds(name):
            del self.disk.leases[name]
        await self.moment()

    async def announce(self, text: str) -> None:
        """Tell the others, unless it gets lost."""
        await self.moment()
        self._notify(lambda line: line._announcements.hear(text))

    def announcements(self) -> AsyncIterator[str]:
        """What the others announce."""
        return self._announcements.from_now_on()

    async def moment(self) -> None:
        """Ask, or be answered, if there is a line."""
        await super().moment()
        if self.is_cut:
            raise self.failed("cut off", LogUnavailable("the line is cut"))

    async def answer(self) -> None:
        """Be answered, or never know."""
        try:
            await self.moment()
        except LogUnavailable as problem:
            raise AnswerLost("the line was cut") from problem

    def _notify(self, tell: Callable[[SharedLog], None]) -> None:
        weather = self.disk.weather
        for line in self.disk.lines:
            if line is not self and self.chance.random() >= weather.lost:
                seconds = self.chance.expovariate(1 / weather.news_seconds)
                line._loop.call_later(seconds, line._hear, tell)

    def _hear(self, tell: Callable[[SharedLog], None]) -> None:
        if not self.is_cut:
            tell(self)


class Arrivals:
    """Lets arrive what dead nodes have sent, as one that takes turns with those that live."""

    is_done = True

    def __init__(self, disk: Disk) -> None:
        self._disk = disk

    def next_at(self) -> float:
        """When the next of it arrives."""
        return min((late.at for late in self._disk.late), default=math.inf)

    def turn(self) -> None:
        """It is stored, unless the log has grown meanwhile."""
        late = min(self._disk.late, key=lambda late: late.at)
        self._disk.late.remove(late)
        with suppress(Conflict):
            late.line.store(late.expected, late.entries)
            late.line.met["arrived late"] += 1
