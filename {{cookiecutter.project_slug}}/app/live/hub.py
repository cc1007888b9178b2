"""Who hears what: each event is encoded once and handed to every connection that may hear it."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from app.core.principal import Principal
from app.domain import Event, topic_of
from app.domain.policy import may_hear
from app.live.connection import Connection
from app.runtime.decide import Happened
from app.wire import codec


class Hub:
    """Every live connection, by principal, because a principal's connections hear the same."""

    def __init__(self) -> None:
        self._connections: defaultdict[Principal, set[Connection]] = defaultdict(set)

    @contextmanager
    def joined(self, connection: Connection, principal: Principal) -> Iterator[None]:
        """The connection hears every event its principal may hear, while the context lasts."""
        self._connections[principal].add(connection)
        try:
            yield
        finally:
            self._connections[principal].discard(connection)
            if not self._connections[principal]:
                del self._connections[principal]

    def broadcast(self, events: Sequence[Happened[Event]]) -> None:
        """Hand these events to whoever may hear them; never waits for anyone."""
        for happened in events:
            topic = topic_of(happened.event)
            text = codec.event_message(happened.json, happened.seq, happened.cause)
            for principal, connections in self._connections.items():
                if may_hear(principal, topic):
                    for connection in connections:
                        connection.write(text)
