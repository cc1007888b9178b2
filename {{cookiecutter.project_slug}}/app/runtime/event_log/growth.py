"""Follows a log as it grows: woken when it has grown, and looking now and then all the same."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import suppress

from app.runtime.event_log.port import Entry, LogUnavailable

ENTRIES_A_READ = 1_000
# A node that died before it could wake the others is noticed after so long.
SECONDS_BETWEEN_LOOKS = 1.0

Read = Callable[[int, int], Awaitable[Sequence[Entry]]]


class Growth:
    """Wakes whoever tails the log, when this node has appended or hears that others have."""

    def __init__(self) -> None:
        self.end = 0
        self._told = asyncio.Event()
        self._own: Sequence[Entry] = ()

    def told(self, end: int = 0) -> None:
        """The log ends at this position by now, or later, or has changed in a way unknown."""
        self.end = max(self.end, end)
        self._told.set()
        self._told = asyncio.Event()

    def appended(self, entries: Sequence[Entry]) -> None:
        """These are stored by this node, which need not read them back."""
        self._own = entries
        self.told(entries[-1].position)

    async def tail(self, read: Read, after: int) -> AsyncIterator[Sequence[Entry]]:
        """Every entry after a position, as they come."""
        while True:
            told = self._told  # before the read: what comes during it is not slept over
            entries: Sequence[Entry] = ()
            with suppress(LogUnavailable):
                entries = self._own_after(after) or await read(after, ENTRIES_A_READ)
            if entries:
                yield entries
                after = entries[-1].position
            if not entries or (len(entries) < ENTRIES_A_READ and after >= self.end):
                with suppress(TimeoutError):
                    async with asyncio.timeout(SECONDS_BETWEEN_LOOKS):
                        await told.wait()

    def _own_after(self, position: int) -> Sequence[Entry]:
        own = self._own
        return own if own and own[0].position == position + 1 else ()
