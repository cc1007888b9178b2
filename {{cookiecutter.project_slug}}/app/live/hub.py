"""Who hears what: each event is encoded once and handed to every connection that may hear it."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import chain
from typing import NamedTuple

from app.core.principal import Principal
from app.domain import Event
from app.domain.policy import may_hear
from app.live.connection import Connection
from app.runtime.decision import Happened
from app.wire import codec


class Audience(NamedTuple):
    """Connections that hear the same: those of one principal who named the same topics.

    Without `topics` they hear everything durable that the principal may hear; what passes reaches
    only those who name its topic.
    """

    principal: Principal
    topics: frozenset[str] | None

    def hears(self, event: Happened[Event]) -> bool:
        """Whether the event is for them."""
        if self.topics is None:
            is_meant = event.seq is not None
        else:
            is_meant = event.topic in self.topics or event.topic.split(":")[0] in self.topics
        return is_meant and may_hear(self.principal, event.topic)


class Hub:
    """Every live connection, by what it hears."""

    def __init__(self) -> None:
        self._connections: defaultdict[Audience, set[Connection]] = defaultdict(set)

    @contextmanager
    def joined(self, connection: Connection, audience: Audience) -> Iterator[None]:
        """The connection hears what its audience hears, while the context lasts."""
        self._connections[audience].add(connection)
        try:
            yield
        finally:
            self._connections[audience].discard(connection)
            if not self._connections[audience]:
                del self._connections[audience]

    def is_named(self, topic: str) -> bool:
        """Whether somebody has named the topic: only then is it worth publishing to it."""
        return any(topic in audience.topics for audience in self._connections if audience.topics)

    def users(self) -> int:
        """How many principals are connected."""
        return len({audience.principal for audience in self._connections})

    def broadcast(self, events: Sequence[Happened[Event]]) -> None:
        """Hand these events to whoever may hear them; never waits for anyone."""
        for happened in events:
            hearers = [
                connections
                for audience, connections in self._connections.items()
                if audience.hears(happened)
            ]
            if hearers:
                text = codec.event_message(happened.json, happened.seq, happened.cause)
                for connection in chain.from_iterable(hearers):
                    connection.write(text)
