"""An event log that ends with the process: for tests, and for trying things out."""

from __future__ import annotations

import secrets
import time
from collections.abc import AsyncIterator, Sequence
from copy import copy

from app.runtime.event_log.announcements import Announcements, require_announceable
from app.runtime.event_log.growth import Growth
from app.runtime.event_log.port import Conflict, Entry, Row, Snapshot


class MemoryLog:
    """Entries in a list."""

    def __init__(self) -> None:
        self.epoch = secrets.token_hex(8)
        self._entries: list[Entry] = []
        self._snapshots: list[Snapshot] = []
        self._leases: dict[str, tuple[MemoryLog | None, int, float]] = {}
        self._growth = Growth()
        self._announcements = Announcements()
        self._nodes = [self]

    def another_node(self) -> MemoryLog:
        """The same log, as another node of this process finds it."""
        node = copy(self)
        node._announcements = Announcements()
        self._nodes.append(node)
        return node

    @property
    def is_shared(self) -> bool:
        """Whether it has more nodes than one."""
        return len(self._nodes) > 1

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
        """Take or renew the lease of this name; its term, or None: another has it."""
        now = time.monotonic()
        holder, term, until = self._leases.get(name, (None, 0, 0.0))
        if holder not in (None, self) and now < until:
            return None
        term += holder is not self or now >= until
        self._leases[name] = self, term, now + seconds
        return term

    async def release(self, name: str) -> None:
        """Let another node have the lease at once, if this one has it."""
        holder, term, _ = self._leases.get(name, (None, 0, 0.0))
        if holder is self:
            self._leases[name] = None, term, 0.0

    async def announce(self, text: str) -> None:
        """Tell all other nodes of this process."""
        require_announceable(text)
        for node in self._nodes:
            if node is not self:
                node._announcements.hear(text)

    def announcements(self) -> AsyncIterator[str]:
        """What other nodes announce from now on."""
        return self._announcements.from_now_on()

    async def close(self) -> None:
        """Nothing is held that must be let go, but for a place among the nodes."""
        self._nodes[:] = [node for node in self._nodes if node is not self]
