"""An event log that ends with the process: for tests, and for trying things out."""

import secrets
from collections.abc import AsyncIterator, Sequence

from app.runtime.event_log.announcements import Announcements, require_announceable
from app.runtime.event_log.growth import Growth
from app.runtime.event_log.port import Conflict, Entry, Row, Snapshot


class MemoryLog:
    """Entries in a list, of one node."""

    is_shared = False

    def __init__(self) -> None:
        self.epoch = secrets.token_hex(8)
        self._entries: list[Entry] = []
        self._snapshots: list[Snapshot] = []
        self._growth = Growth()
        self._announcements = Announcements()

    async def connect(self) -> None:
        """It is always there."""

    async def append(self, expected: int, entries: Sequence[Entry]) -> None:
        """Store all entries or none; raises Conflict unless the log ends at `expected`."""
        if len(self._entries) != expected:
            raise Conflict(f"the log ends at {len(self._entries)}, not at {expected}")
        self._entries.extend(entries)
        self._growth.told(len(self._entries))

    async def read(self, after: int, limit: int) -> Sequence[Entry]:
        """At most `limit` entries from the one after position `after`."""
        return self._entries[after : after + limit]

    async def end(self) -> int:
        """The position of the last entry."""
        return len(self._entries)

    def tail(self, after: int) -> AsyncIterator[Sequence[Entry]]:
        """Every entry after a position, as they are appended."""
        return self._growth.tail(self.read, after)

    async def save_snapshot(
        self, position: int, fingerprint: str, rows: AsyncIterator[Sequence[Row]]
    ) -> None:
        """Keep a snapshot in place of the one before."""
        kept = [row async for some in rows for row in some]
        self._snapshots[:] = [Snapshot(position, fingerprint, kept)]

    async def load_snapshot(self, fingerprint: str | None) -> Snapshot | None:
        """The snapshot, if there is one and this fingerprint is its own, or None is given."""
        own = [kept for kept in self._snapshots if fingerprint in (None, kept.fingerprint)]
        return own[0] if own else None

    async def claim(self, name: str, seconds: float) -> int | None:
        """Nobody else wants it."""
        return 1

    async def release(self, name: str) -> None:
        """Nobody waits for it."""

    async def announce(self, text: str) -> None:
        """Nobody hears it; raises TooLarge all the same."""
        require_announceable(text)

    def announcements(self) -> AsyncIterator[str]:
        """What other nodes announce from now on."""
        return self._announcements.from_now_on()

    async def close(self) -> None:
        """Nothing is held that must be let go."""
