"""Shows every message in and out when the log is at debug: what it is, never what it says."""

from __future__ import annotations

import logging
from collections.abc import Coroutine, Mapping
from typing import Any, cast, get_args

import orjson
import structlog

from app.domain import Command, Event
from app.live.message import Outgoing
from app.live.port import Connection, Receiver

TYPES = frozenset(
    {"command", "event", "error", "ping", "pong", "subscribe", "subscribed", "ack", "auth"}
)
ACTIONS = frozenset(cls.__name__ for cls in (*get_args(Command), *get_args(Event)))
ID_LENGTH = 64

log = structlog.get_logger(__name__)


def overheard(connection: Connection) -> Connection:
    """The connection itself; or, at debug, one that logs what goes through it."""
    if not log.is_enabled_for(logging.DEBUG):
        return connection
    return cast(Connection, Overheard(connection))


def facts_of(message: str | bytes) -> dict[str, object]:
    """What may be said of a message: its type, the name of its action, ids and size.

    A name is shown only when it is one of ours: whatever else a client writes may be a secret.
    """
    size = len(message.encode(errors="replace") if isinstance(message, str) else message)
    try:
        found = orjson.loads(message)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        return {"type": "invalid", "bytes": size}
    facts: dict[str, object] = {"type": _known(found.get("type"), TYPES), "bytes": size}
    if "action" in found:
        facts["action"] = _known(_name(found["action"]), ACTIONS)
    if isinstance(found.get("seq"), int):
        facts["seq"] = found["seq"]
    for key in "id", "cause":
        if isinstance(found.get(key), str):
            facts[key] = found[key][:ID_LENGTH]
    return facts


class Overheard:
    """A connection, and the receiver of what comes in by it."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        # What tells the lines of one connection from those of others: its correlation id.
        self._log = log.bind(**structlog.contextvars.get_contextvars())

    def __getattr__(self, name: str) -> Any:
        """All but what is written and received is the connection's own."""
        return getattr(self._connection, name)

    def serve(self, receiver: Receiver) -> Coroutine[Any, Any, None] | None:
        """Let the receiver hear, after the log."""
        return self._connection.serve(Listening(receiver, self._log))

    def write(self, message: Outgoing) -> None:
        """Send it, and log that."""
        for part in message.parts:
            self._log.debug("message out", **facts_of(part.json))
        self._connection.write(message)


class Listening:
    """A receiver whose messages are logged."""

    def __init__(self, receiver: Receiver, log: structlog.typing.FilteringBoundLogger) -> None:
        self._receiver = receiver
        self._log = log

    def received(self, message: str | bytes) -> None:
        """Log it, and pass it on."""
        self._log.debug("message in", **facts_of(message))
        self._receiver.received(message)

    def writable(self) -> None:
        """Passed on, not logged."""
        self._receiver.writable()

    def closed(self, code: int) -> None:
        """Passed on, not logged."""
        self._receiver.closed(code)


def _name(action: object) -> object:
    """The name of an action, whether or not it has fields."""
    if isinstance(action, Mapping):
        return next(iter(action), None)
    return action


def _known(name: object, names: frozenset[str]) -> str:
    return name if isinstance(name, str) and name in names else "unknown"
