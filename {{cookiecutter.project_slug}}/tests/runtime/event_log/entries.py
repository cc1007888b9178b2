"""Entries, and what a tail has given by now."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from app.runtime.event_log.port import Conflict, Entry, EventLog


def entry(position: int, settles: str | None = None, cause: str | None = None) -> Entry:
    event = '{"A":{"é":1}}'
    return Entry(position, 5, "k", "me", "operator", cause, event=event, settles=settles)


def entries(first: int, last: int) -> list[Entry]:
    return [entry(position) for position in range(first, last + 1)]


class Tailed:
    """What a tail has given."""

    def __init__(self) -> None:
        self.positions: list[int] = []
        self._more = asyncio.Event()

    async def follow(self, log: EventLog, after: int) -> None:
        """Keep what comes."""
        async for some in log.tail(after):
            self.positions.extend(entry.position for entry in some)
            self._more.set()

    async def until(self, position: int) -> None:
        """Wait until this position has come."""
        async with asyncio.timeout(20):
            while position not in self.positions:
                self._more.clear()
                await self._more.wait()


@asynccontextmanager
async def tailing(log: EventLog, after: int = 0) -> AsyncIterator[Tailed]:
    """Tail a log in a task."""
    tailed = Tailed()
    task = asyncio.create_task(tailed.follow(log, after))
    try:
        yield tailed
    finally:
        task.cancel()
        await asyncio.wait([task])


async def positions(log: EventLog, after: int = 0) -> Sequence[int]:
    """All positions after one."""
    found: list[int] = []
    while some := await log.read(found[-1] if found else after, 1000):
        found.extend(entry.position for entry in some)
    return found


async def write_on(log: EventLog, name: str, times: int) -> None:
    """Append so many commits of two entries, wherever the log ends by then."""
    end = 0
    for number in range(times):
        while True:
            some = [
                Entry(end + 1, 0, f"{name}-{number}", name, "operator"),
                Entry(end + 2, 0, f"{name}-{number}", name, "operator", event="2"),
            ]
            try:
                await log.append(end, some)
            except Conflict:
                while later := await log.read(end, 1000):
                    end = later[-1].position
            else:
                end += 2
                break
