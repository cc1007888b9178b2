"""What happened and waits to be read, and where in the log that is."""

from __future__ import annotations

import asyncio
from collections import deque

from .messages import Event, Snapshot
from .outbox import Outbox


class Inbox:
    """At most so many items, in order, each once."""

    def __init__(self, most: int, seq: int | None, epoch: str | None) -> None:
        self.seq, self.epoch = seq, epoch  # of the newest item, read or not
        self._most = most
        self._items: deque[Event | Snapshot] = deque()
        self._changed, self._arrived = asyncio.Event(), asyncio.Event()
        self._is_deaf = self._is_behind = False
        self._is_closed = False
        self._fault: Exception | None = None

    def __len__(self) -> int:
        return len(self._items)

    async def take(self) -> Event | Snapshot:
        """The next item; after the last one of a closed inbox, raises why it was closed."""
        while not self._items:
            if self._is_closed:
                raise self._fault or StopAsyncIteration
            self._arrived.clear()
            await self._arrived.wait()
        item = self._items.popleft()
        self.look_again()
        return item

    async def happened(self, event: Event, outbox: Outbox) -> None:
        """Keep it to be read, unless it was heard before; wait until there is room.

        While commands wait for their answers, which lie behind, events without room are passed over
        instead: when there is room again, the service is asked for them.
        """
        if self._is_deaf or (event.seq is not None and event.seq <= (self.seq or 0)):
            return
        while len(self._items) >= self._most:
            if outbox:
                self._is_deaf = self._is_behind = True
                return
            self._changed.clear()
            await self._changed.wait()
        if event.seq is not None:
            self.seq = event.seq
        self._keep(event)

    def look_again(self) -> None:
        """There is room, or a command, whose answer may lie behind events that nobody reads."""
        self._changed.set()

    def begin(self, snapshot: Snapshot) -> None:
        """Whatever was known before is in it."""
        self.seq, self.epoch = snapshot.seq, snapshot.epoch
        self._keep(snapshot)

    @property
    def misses_some(self) -> bool:
        """Whether there is room for events that have been passed over."""
        return self._is_behind and len(self._items) <= self._most // 2

    def ask(self) -> dict[str, object]:
        """The position to go on from; events before the `subscribed` that answers are ignored."""
        self._is_deaf, self._is_behind = True, False
        return {"since": self.seq, "epoch": self.epoch}

    def follow(self, epoch: str) -> None:
        """From now on what comes is what was asked for."""
        self._is_deaf, self.epoch = False, epoch

    def forget(self) -> None:
        """Where it was cannot be gone on from."""
        self.seq = self.epoch = None

    def close(self, fault: Exception | None) -> None:
        """Nothing more will come."""
        self._is_closed, self._fault = True, fault
        self._arrived.set()

    def _keep(self, item: Event | Snapshot) -> None:
        self._items.append(item)
        self._arrived.set()
