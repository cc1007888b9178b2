"""Tells everybody who listens what has happened, once it is stored and applied."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Generic, TypeAlias

import structlog

from app.runtime.decision import Happened
from app.runtime.rules import Event
from app.runtime.throttle import Throttle

LIVE_EVENTS = 1024
EVENTS_A_READ = 256

log = structlog.get_logger(__name__)

Listener: TypeAlias = Callable[[Sequence[Happened[Event]]], None]
# Events of the log from the one after a position, at most so many, and the position they end at.
ReadEvents: TypeAlias = Callable[[int, int], Awaitable[tuple[Sequence[Happened[Event]], int]]]


class Broadcast(Generic[Event]):
    """Listeners are called at once and must not wait; subscriptions follow at their own pace."""

    def __init__(self, intervals: Mapping[str, float]) -> None:
        """`intervals` are how long ephemeral topics rest between two events, in seconds."""
        self.listeners: list[Listener[Event]] = []
        self.subscriptions: set[Subscription[Event]] = set()
        self.seq = 0
        self.over = False
        self._throttle = Throttle[Event](intervals, lambda happened: self._tell([happened]))

    def tell(self, events: Sequence[Happened[Event]], seq: int) -> None:
        """These events have happened, and the log is at `seq` now."""
        self.seq = seq
        self._tell([each for each in events if each.seq is not None or self._throttle.passes(each)])

    def end(self) -> None:
        """Nothing more will happen: subscriptions give what is left, and end."""
        self.over = True
        for subscription in self.subscriptions:
            subscription.wake.set()

    def _tell(self, events: Sequence[Happened[Event]]) -> None:
        if not events:
            return
        for listener in self.listeners:
            try:
                listener(events)
            except Exception:  # whoever listens must not stop whoever writes
                names = sorted({type(each.event).__name__ for each in events})
                log.exception("a listener failed", events=names)
        for subscription in self.subscriptions:
            subscription.offer(events)


class Subscription(Generic[Event]):
    """Every event of some topics after a position, without gaps or repeats: an async iterator.

    What happens is kept for it in a bounded queue; when that overflows it reads the log instead,
    so that nobody waits for it and it misses nothing. Ephemeral events it may miss then.
    """

    def __init__(
        self,
        broadcast: Broadcast[Event],
        read: ReadEvents[Event],
        after: int | None,
        topics: frozenset[str] | None,
    ) -> None:
        self.wake = asyncio.Event()
        self._broadcast = broadcast
        self._read = read
        self._topics = topics
        self._position = broadcast.seq if after is None else after
        self._is_behind = self._position < broadcast.seq
        self._live: deque[Happened[Event]] = deque()

    async def __aenter__(self) -> Subscription[Event]:
        self._broadcast.subscriptions.add(self)
        self._is_behind = self._position < self._broadcast.seq
        return self

    async def __aexit__(self, *reason: object) -> None:
        self._broadcast.subscriptions.discard(self)

    def __aiter__(self) -> Subscription[Event]:
        return self

    async def __anext__(self) -> Happened[Event]:
        """The next event; ends when the Store is closed and everything was given."""
        while not self._live:
            if self._is_behind:
                await self._catch_up()
            elif self._broadcast.over:
                raise StopAsyncIteration
            else:
                self.wake.clear()
                await self.wake.wait()
        return self._live.popleft()

    def names(self, topic: str) -> bool:
        """Whether the topic was asked for by its name."""
        return self._topics is not None and topic in self._topics

    def offer(self, events: Sequence[Happened[Event]]) -> None:
        """These events have just happened."""
        if self._is_behind:
            return
        if len(self._live) + len(events) > LIVE_EVENTS:
            # What waits is forgotten, and read again from the log: from where it was heard last.
            waiting = [event.seq for event in self._live if event.seq is not None]
            if waiting:
                self._position = waiting[0] - 1
            self._live.clear()
            self._is_behind = True
        else:
            self._take(events)
        self.wake.set()

    async def _catch_up(self) -> None:
        # No further than what was told: the log may have more already, which will be told yet.
        limit = min(EVENTS_A_READ, self._broadcast.seq - self._position)
        events, end = await self._read(self._position, limit)
        self._take(events)
        self._position = max(self._position, end)
        self._is_behind = self._position < self._broadcast.seq

    def _take(self, events: Sequence[Happened[Event]]) -> None:
        for event in events:
            if event.seq is not None and event.seq <= self._position:
                continue
            if self._topics is None or self._topics & {event.topic, event.topic.split(":")[0]}:
                self._live.append(event)
            if event.seq is not None:
                self._position = event.seq
