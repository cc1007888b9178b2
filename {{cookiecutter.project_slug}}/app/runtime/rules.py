"""What the runtime must be told about a domain, so that it need not know any."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from app.core.effects import Append, Dispatch, Publish
from app.core.environment import Environment
from app.core.principal import Principal

State = TypeVar("State")
Command = TypeVar("Command")
Event = TypeVar("Event")


@dataclass(frozen=True, slots=True)
class Rules(Generic[State, Command, Event]):
    """A domain as functions: its beginning, its reducer, its policy and its JSON.

    `authorise` and `reduce` raise Rejected to refuse a command; the decoders raise Rejected for
    what they cannot read.
    """

    initial: State
    reduce: Callable[
        [State, Command | Event, Environment],
        tuple[State, Sequence[Append[Event] | Publish[Event] | Dispatch[Command]]],
    ]
    authorise: Callable[[Principal, Command, State], None]
    encode_action: Callable[[Command | Event], str]
    decode_event: Callable[[str], Event]
    encode_effects: Callable[[Sequence[Dispatch[Command]]], str]
    decode_effects: Callable[[str], Sequence[Dispatch[Command]]]
