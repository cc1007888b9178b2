"""What the runtime must be told about a domain, so that it need not know any."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from app.core.effects import Append, Durable, Publish
from app.core.environment import Environment
from app.core.principal import Principal
from app.core.terms import Terms
from app.runtime.event_log.port import Row

State = TypeVar("State")
Command = TypeVar("Command")
Event = TypeVar("Event")

DAY = 24 * 3600


@dataclass(frozen=True, slots=True)
class Rules(Generic[State, Command, Event]):
    """A domain as functions: its beginning, its reducer, its policy and its JSON.

    `authorise` and `reduce` raise Rejected to refuse a command; the decoders raise Rejected for
    what they cannot read.
    `told_event` gives the JSON by which an event is told that was read from what was stored.
    `fingerprint` names the version of the code that makes the State: a snapshot of another is not
    used. `remember_seconds` is how long a command's id is remembered. Ephemeral events of
    `own_topics` each node tells its own clients, and no other node. A topic named in `intervals`
    has at most one of them in so many seconds: the latest.
    """

    initial: State
    reduce: Callable[
        [State, Command | Event, Environment],
        tuple[State, Sequence[Append[Event] | Publish[Event] | Durable[Command]]],
    ]
    authorise: Callable[[Principal, Command, State], None]
    topic_of: Callable[[Event], str]
    encode_command: Callable[[Command], str]
    decode_command: Callable[[str], Command]
    encode_event: Callable[[Event], str]
    decode_event: Callable[[str], Event]
    told_event: Callable[[Event, str], str]
    encode_effects: Callable[[Sequence[Durable[Command]]], str]
    decode_effects: Callable[[str], Sequence[Durable[Command]]]
    encode_state: Callable[[State], Iterator[Row]]
    decode_state: Callable[[Iterable[Row]], State]
    fingerprint: str
    terms: Terms = Terms()
    remember_seconds: int = DAY
    own_topics: frozenset[str] = frozenset()
    intervals: Mapping[str, float] = field(default_factory=dict)
