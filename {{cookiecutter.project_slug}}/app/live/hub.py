"""Who hears what: each event is encoded once and handed to every client that may hear it."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Collection, Sequence
from typing import Protocol, TypeAlias

import structlog

from app.access.subscription import Audience
from app.domain import PASSING, Event
from app.live.message import Message
from app.live.recent import Heard, Recent
from app.live.throttle import Throttle
from app.observe.metrics import Metrics
from app.runtime.decision import Happened

KNOWN_TOPICS = 10_000

log = structlog.get_logger(__name__)


class Hearer(Protocol):
    """A client that hears what happens."""

    def hear(self, message: Message) -> None:
        """Send it on; never waits."""


Crowd: TypeAlias = Collection[Hearer]


class Hub:
    """Every client that hears something, by what it hears."""

    def __init__(self, recent: Recent, metrics: Metrics, flush_seconds: float = 0.0) -> None:
        """Events that happen within `flush_seconds` go out together; at once when it is 0."""
        self.recent = recent
        self._metrics = metrics
        self._flush_seconds = flush_seconds
        self._waiting: list[tuple[Sequence[Crowd], Message]] = []
        self._crowds: defaultdict[Audience, set[Hearer]] = defaultdict(set)
        self._by_topic: dict[tuple[str, bool], Sequence[Crowd]] = {}
        self._throttle = Throttle(PASSING, self._tell)

    def join(self, hearer: Hearer, audience: Audience) -> None:
        """From now on it hears what this audience hears."""
        self.flush()  # what has happened before is not for it
        if audience not in self._crowds:
            self._by_topic.clear()
        self._crowds[audience].add(hearer)

    def leave(self, hearer: Hearer, audience: Audience) -> None:
        """It hears no more of that."""
        self.flush()
        self._crowds[audience].discard(hearer)
        if not self._crowds[audience]:
            del self._crowds[audience]
            self._by_topic.clear()

    def is_named(self, topic: str) -> bool:
        """Whether somebody has named the topic: only then is it worth publishing to it."""
        return any(topic in audience.topics for audience in self._crowds if audience.topics)

    def broadcast(self, events: Sequence[Happened[Event]]) -> None:
        """Hand these events to whoever may hear them; never waits for anyone."""
        for happened in events:
            heard = Heard(happened)
            try:
                if heard.seq is None:
                    self._throttle.take(heard)
                else:
                    self.recent.add(heard.seq, heard)
                    self._tell(heard)
            except Exception:  # one event that cannot be told must not silence the others
                log.exception("an event was not told", event_type=type(happened.event).__name__)

    def answer(self, hearer: Hearer, message: Message) -> None:
        """Say something to one client alone, after what has happened before."""
        if self._waiting:
            self._waiting.append((((hearer,),), message))
        else:
            self._hand(message, ((hearer,),))

    def flush(self) -> None:
        """Send what has waited for others to go with."""
        waiting, self._waiting = self._waiting, []
        for crowds, message in waiting:
            self._hand(message, crowds)

    def _tell(self, heard: Heard) -> None:
        crowds = self._hearing(heard.topic, passing=heard.seq is None)
        if not crowds:
            return
        if not self._flush_seconds:
            self._hand(heard.message, crowds)
            return
        if not self._waiting:
            asyncio.get_running_loop().call_later(self._flush_seconds, self.flush)
        self._waiting.append((crowds, heard.message))

    def _hearing(self, topic: str, *, passing: bool) -> Sequence[Crowd]:
        """Who hears a topic: looked for when there is a new audience, and known from then on."""
        found = self._by_topic.get((topic, passing))
        if found is None:
            if len(self._by_topic) >= KNOWN_TOPICS:
                self._by_topic.clear()
            found = [
                crowd
                for audience, crowd in self._crowds.items()
                if audience.hears(topic, passing=passing)
            ]
            self._by_topic[topic, passing] = found
        return found

    def _hand(self, message: Message, crowds: Sequence[Crowd]) -> None:
        self._metrics.messages_out(message.type, sum(map(len, crowds)), len(message))
        for crowd in crowds:
            for hearer in tuple(crowd):  # one that is too slow leaves meanwhile
                hearer.hear(message)
