"""A toy domain for tests of the runtime: it adds, refuses, asks for effects, makes mistakes."""

import pickle
from base64 import b64decode, b64encode
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

from app.core.effects import Append, Dispatch, Durable, Publish
from app.core.environment import Environment
from app.core.ports import Attempt, Ports
from app.core.principal import Principal, Role
from app.core.rejected import Code, Rejected
from app.runtime.event_log.port import EventLog, Row
from app.runtime.retry import RetryPolicy
from app.runtime.rules import Rules
from app.runtime.store import Store, open_store

ME = Principal("me", Role.OPERATOR)
QUICK = RetryPolicy(attempts=3, first=0.001, longest=0.01)
# The toy's tasks call no port, whichever ports a service has.
NO_PORTS: Any = None


@dataclass(frozen=True, slots=True)
class Add:
    """Add to the tally, and then `more` again by the service itself."""

    amount: int
    more: int = 0


@dataclass(frozen=True, slots=True)
class Plan:
    """Have an event ask for these effects."""

    effects: "tuple[Durable[Command], ...]"


@dataclass(frozen=True, slots=True)
class Shout:
    """Say something that passes."""

    word: str


@dataclass(frozen=True, slots=True)
class Break:
    """Run into a mistake of the programmer's."""

    in_event: bool = False


@dataclass(frozen=True, slots=True)
class Added:
    """The tally has grown."""

    amount: int
    more: int
    total: int


@dataclass(frozen=True, slots=True)
class Planned:
    """Something is to be done."""

    effects: "tuple[Durable[Command], ...]"


@dataclass(frozen=True, slots=True)
class Shouted:
    """Something was said."""

    word: str


@dataclass(frozen=True, slots=True)
class Broken:
    """What cannot be applied."""


Command: TypeAlias = Add | Plan | Shout | Break
Event: TypeAlias = Added | Planned | Shouted | Broken
Effect: TypeAlias = Append[Event] | Publish[Event] | Durable[Command]
TallyStore: TypeAlias = Store[int, Command, Event]

# What the tasks of a test do, by name: a stored task says what is to be done, not how.
WORK: dict[str, Callable[[Attempt], Awaitable[Command | None]]] = {}
STREAMS: dict[str, Callable[[Attempt], AsyncIterator[Command]]] = {}


@dataclass(frozen=True, slots=True)
class Work:
    """A task that leads to one command or none."""

    name: str

    async def __call__(self, ports: Ports, attempt: Attempt) -> Command | None:
        """Do what the test says."""
        return await WORK[self.name](attempt)


@dataclass(frozen=True, slots=True)
class Flow:
    """A task that leads to many commands."""

    name: str

    def __call__(self, ports: Ports, attempt: Attempt) -> AsyncIterator[Command]:
        """Do what the test says."""
        return STREAMS[self.name](attempt)


def reduce(state: int, action: Command | Event, env: Environment) -> tuple[int, list[Effect]]:
    """Keep a tally that may not go below zero."""
    match action:
        case Add():
            total = state + action.amount
            if total < 0:
                raise Rejected(Code.CONFLICT, f"{total} is less than nothing")
            return state, [Append(Added(action.amount, action.more, total))]
        case Plan():
            return state, [Append(Planned(action.effects))]
        case Shout():
            return state, [Publish(Shouted(action.word))]
        case Break():
            if action.in_event:
                return state, [Append(Broken())]
            raise ZeroDivisionError
        case Added():
            return action.total, [Dispatch(Add(action.more))] if action.more else []
        case Planned():
            return state, list(action.effects)
        case Shouted():
            return state, []
        case Broken():
            raise ZeroDivisionError


def authorise(principal: Principal, command: Command, state: int) -> None:
    """Let everybody in but the anonymous."""
    if principal.role is Role.ANONYMOUS:
        raise Rejected(Code.UNAUTHENTICATED, "say who you are")


def topic_of(event: Event) -> str:
    """`added:3` and the like, so that topics have parts."""
    return f"added:{event.amount}" if isinstance(event, Added) else type(event).__name__.lower()


def encode(value: object) -> str:
    """Anything, as text."""
    return b64encode(pickle.dumps(value)).decode()


def decode(text: str) -> Any:
    """What was written; raises Rejected for what was not."""
    try:
        return pickle.loads(b64decode(text))  # noqa: S301 - written by this process
    except Exception:
        raise Rejected(Code.INVALID, f"unknown action {text}") from None


def encode_state(state: int) -> Iterator[Row]:
    """One row."""
    yield "total", str(state)


def decode_state(rows: Iterable[Row]) -> int:
    """From one row."""
    ((_, text),) = rows
    return int(text)


TALLY: Rules[int, Command, Event] = Rules(
    initial=0,
    reduce=reduce,
    authorise=authorise,
    topic_of=topic_of,
    encode_command=encode,
    decode_command=decode,
    encode_event=encode,
    decode_event=decode,
    told_event=lambda _, stored: stored,
    encode_effects=lambda effects: encode(list(effects)),
    decode_effects=decode,
    encode_state=encode_state,
    decode_state=decode_state,
    fingerprint="tally",
)
FORGETFUL = replace(TALLY, remember_seconds=1)


def open_tally(
    event_log: EventLog, rules: Rules[int, Command, Event] = TALLY, **options: Any
) -> AbstractAsyncContextManager[TallyStore]:
    """A Store of this domain that does not wait long for anything."""
    options = {"policy": QUICK, "grace_seconds": 0.2, **options}
    return open_store(event_log, rules, NO_PORTS, **options)


def effects_of(events: Sequence[Event]) -> list[Effect]:
    """What these events ask for."""
    return [effect for event in events for effect in reduce(0, event, Environment(0, "x"))[1]]
