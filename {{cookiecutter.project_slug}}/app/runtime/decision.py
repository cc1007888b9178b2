"""What is to be decided, and what a decision leads to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, NamedTuple

from app.core.principal import Principal
from app.runtime.event_log.port import Entry
from app.runtime.head import Head
from app.runtime.pending import Pending, Turn
from app.runtime.rules import Command, Event, State

MICROSECONDS = 1_000_000


class Request(NamedTuple, Generic[Command]):
    """A command on its way to being decided.

    `key` is unique to this one decision. `id` is the client's own name for the command at the
    root. `origin` is the effect that asked for it, when the service itself did; then no command
    at all means that the effect has ended with nothing more to say, and `nth` that this is the
    nth command of a Stream that goes on.
    """

    command: Command | None
    by: Principal
    key: str
    id: str | None = None
    origin: str | None = None
    nth: int | None = None


@dataclass(frozen=True, slots=True)
class Note:
    """How an effect goes on, to be stored; without a `turn` it is discarded.

    `dead` says what the effect must be for the note to be true of it.
    """

    origin: str
    turn: Turn | None
    by: Principal
    key: str
    words: str = ""
    dead: bool = False


class Happened(NamedTuple, Generic[Event]):
    """An event, its topic, its JSON, and its position in the log; an ephemeral event has none."""

    event: Event
    topic: str
    json: str
    seq: int | None
    cause: str | None


class Decision(NamedTuple, Generic[State, Command, Event]):
    """What a command leads to: the head after it, its entries and its events.

    `begun` are the origins of the effects that are to be performed now, `cancelled` of those that
    no longer are. `repeats` is the position of the first entry of the same command, when it was
    sent before.
    """

    head: Head[State, Command]
    entries: Sequence[Entry] = ()
    events: Sequence[Happened[Event]] = ()
    begun: Sequence[str] = ()
    cancelled: Sequence[str] = ()
    repeats: int | None = None


def is_awaited(pending: Pending[Command] | None, request: Request[Command]) -> bool:
    """Whether the effect has neither ended meanwhile nor given this command already."""
    if pending is None or pending.dead is not None:
        return False
    return request.nth is None or request.nth == pending.given + 1


def written(words: str) -> str:
    """Words as they can be stored: a lone surrogate, of a file's name say, has no UTF-8."""
    return words.encode("utf-8", "replace").decode()
