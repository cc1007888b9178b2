"""An event log that ends with the process: for tests, and for trying things out."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Sequence

from app.runtime.event_log.port import Conflict, Entry, Row, Snapshot


class MemoryLog:
    """Entries in a list."""

    def __init__(self) -> None:
        self.epoch = secrets.token_hex(8)
        self._entries: list[Entry] = []
        self._snapshot: Snapshot | None = None

    async def append(self, expected: int, entries: Sequence[Entry]) -> None:
        """Store all entries or none; raises Conflict unless the log ends at `expected`."""
        await asyncio.sleep(0)  # a commit is a moment in which others get their turn
        if len(self._entries) != expected:
            raise Conflict(f"the log ends at {len(self._entries)}, not at {expected}")
        self._entries.extend(entries)

    async def read(self, after: int, limit: int) -> Sequence[Entry]:
        """At most `limit` entries from the one after position `after`."""
        return self._entries[after : after + limit]

    async def save_snapshot(
        self, position: int, fingerprint: str, rows: AsyncIterator[Sequence[Row]]
    ) -> None:
        """Keep a snapshot in place of the one before."""
        kept = [row async for some in rows for row in some]
        self._snapshot = Snapshot(position, fingerprint, kept)

    async def load_snapshot(self, fingerprint: str) -> Snapshot | None:
        """The snapshot, if there is one and this fingerprint is its own."""
        kept = self._snapshot
        return kept if kept is not None and kept.fingerprint == fingerprint else None

    def close(self) -> None:
        """Nothing is held that must be let go."""
