"""An event log whose appends are measured."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from time import perf_counter
from typing import Protocol

from app.runtime.event_log.port import Entry, EventLog, Row, Snapshot


class Appends(Protocol):
    """Hears of every append."""

    def appended(self, seconds: float, entries: int) -> None:
        """So many entries are stored."""

    def append_failed(self, reason: str) -> None:
        """They are not, or nobody knows; `reason` is the name of the exception."""


class Measured(EventLog):
    """The same log."""

    def __init__(
        self,
        event_log: EventLog,
        appends: Appends,
        stored: Callable[[Sequence[Entry]], None] | None = None,
    ) -> None:
        """`stored` is called with entries that are stored, before anything follows from them."""
        self._log = event_log
        self._appends = appends
        self._stored = stored

    @property
    def epoch(self) -> str:
        """As the log itself."""
        return self._log.epoch

    @property
    def is_shared(self) -> bool:
        """As the log itself."""
        return self._log.is_shared

    async def connect(self) -> None:
        """As the log itself."""
        await self._log.connect()

    async def append(self, expected: int, entries: Sequence[Entry]) -> None:
        """As the log itself, and told how long it took."""
        began = perf_counter()
        try:
            await self._log.append(expected, entries)
        except Exception as fault:
            self._appends.append_failed(type(fault).__name__)
            raise
        self._appends.appended(perf_counter() - began, len(entries))
        if self._stored is not None:
            self._stored(entries)

    async def read(self, after: int, limit: int) -> Sequence[Entry]:
        """As the log itself."""
        return await self._log.read(after, limit)

    async def end(self) -> int:
        """As the log itself."""
        return await self._log.end()

    def tail(self, after: int) -> AsyncIterator[Sequence[Entry]]:
        """As the log itself."""
        return self._log.tail(after)

    async def save_snapshot(
        self, position: int, fingerprint: str, rows: AsyncIterator[Sequence[Row]]
    ) -> None:
        """As the log itself."""
        await self._log.save_snapshot(position, fingerprint, rows)

    async def load_snapshot(self, fingerprint: str | None) -> Snapshot | None:
        """As the log itself."""
        return await self._log.load_snapshot(fingerprint)

    async def claim(self, name: str, seconds: float) -> int | None:
        """As the log itself."""
        return await self._log.claim(name, seconds)

    async def release(self, name: str) -> None:
        """As the log itself."""
        await self._log.release(name)

    async def announce(self, text: str) -> None:
        """As the log itself."""
        await self._log.announce(text)

    def announcements(self) -> AsyncIterator[str]:
        """As the log itself."""
        return self._log.announcements()

    async def close(self) -> None:
        """As the log itself."""
        await self._log.close()
