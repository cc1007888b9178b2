"""An event log in memory that several nodes of one process share."""

from __future__ import annotations

import time
from copy import copy
from typing import Self

from app.runtime.event_log.announcements import Announcements
from app.runtime.event_log.memory import MemoryLog


class SharedMemoryLog(MemoryLog):
    """One node's view of it."""

    is_shared = True

    def __init__(self) -> None:
        super().__init__()
        self._leases: dict[str, tuple[object, int, float]] = {}
        self._nodes: list[SharedMemoryLog] = [self]

    def another_node(self) -> Self:
        """The same log, as another node finds it."""
        node = copy(self)
        node._announcements = Announcements()
        self._nodes.append(node)
        return node

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
        """Tell all other nodes."""
        await super().announce(text)
        for node in self._nodes:
            if node is not self:
                node._announcements.hear(text)

    async def close(self) -> None:
        """Give up a place among the nodes."""
        self._nodes[:] = [node for node in self._nodes if node is not self]
