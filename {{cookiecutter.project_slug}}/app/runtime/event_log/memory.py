"""An event log that ends with the process: for tests, and for trying things out."""

import asyncio
import secrets
from collections.abc import Sequence

from app.runtime.event_log.port import Conflict, Entry


class MemoryLog:
    """Entries in a list."""

    def __init__(self) -> None:
        self.epoch = secrets.token_hex(8)
        self._entries: list[Entry] = []

    async def append(self, expected: int, entries: Sequence[Entry]) -> None:
        """Store all entries or none; raises Conflict unless the log ends at `expected`."""
        await asyncio.sleep(0)  # a commit is a moment in which others get their turn
        if len(self._entries) != expected:
            raise Conflict(f"the log ends at {len(self._entries)}, not at {expected}")
        self._entries.extend(entries)

    async def read(self, after: int, limit: int) -> Sequence[Entry]:
        """At most `limit` entries from the one after position `after`."""
        return self._entries[after : after + limit]

    def close(self) -> None:
        """Nothing is held that must be let go."""
