"""A toy domain for tests of the runtime: it adds, refuses, asks for more, and makes mistakes."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TypeAlias

from app.core.effects import Append, Dispatch, Publish
from app.core.environment import Environment
from app.core.principal import Principal, Role
from app.core.rejected import Code, Rejected
from app.runtime.rules import Rules


@dataclass(frozen=True, slots=True)
class Add:
    """Add to the tally, and then `more` again by the service itself."""

    amount: int
    more: int = 0


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
class Shouted:
    """Something was said."""

    word: str


@dataclass(frozen=True, slots=True)
class Broken:
    """What cannot be applied."""


Command: TypeAlias = Add | Shout | Break
Event: TypeAlias = Added | Shouted | Broken
Effect: TypeAlias = Append[Event] | Publish[Event] | Dispatch[Command]

CLASSES = {cls.__name__: cls for cls in (Add, Shout, Break, Added, Shouted, Broken)}


def reduce(state: int, action: Command | Event, env: Environment) -> tuple[int, list[Effect]]:
    """Keep a tally that may not go below zero."""
    match action:
        case Add():
            total = state + action.amount
            if total < 0:
                raise Rejected(Code.CONFLICT, f"{total} is less than nothing")
            return state, [Append(Added(action.amount, action.more, total))]
        case Shout():
            return state, [Publish(Shouted(action.word))]
        case Break():
            if action.in_event:
                return state, [Append(Broken())]
            raise ZeroDivisionError
        case Added():
            return action.total, [Dispatch(Add(action.more))] if action.more else []
        case Shouted():
            return state, []
        case Broken():
            raise ZeroDivisionError


def authorise(principal: Principal, command: Command, state: int) -> None:
    """Let everybody in but the anonymous."""
    if principal.role is Role.ANONYMOUS:
        raise Rejected(Code.UNAUTHENTICATED, "say who you are")


def encode(action: Command | Event) -> str:
    """One action."""
    return json.dumps({type(action).__name__: asdict(action)})


def decode(text: str) -> Command | Event:
    """One action."""
    ((name, fields),) = json.loads(text).items()
    if name not in CLASSES:
        raise Rejected(Code.INVALID, f"unknown action {name}")
    action: Command | Event = CLASSES[name](**fields)
    return action


def decode_event(text: str) -> Event:
    """One event."""
    event = decode(text)
    assert isinstance(event, Event)
    return event


def encode_effects(effects: Sequence[Dispatch[Command]]) -> str:
    """Effects, as a list of commands."""
    return json.dumps([encode(effect.command) for effect in effects])


def decode_effects(text: str) -> Sequence[Dispatch[Command]]:
    """Effects, from a list of commands."""
    commands = [decode(item) for item in json.loads(text)]
    return [Dispatch(command) for command in commands if isinstance(command, Command)]


TALLY: Rules[int, Command, Event] = Rules(
    initial=0,
    reduce=reduce,
    authorise=authorise,
    encode_action=encode,
    decode_event=decode_event,
    encode_effects=encode_effects,
    decode_effects=decode_effects,
)
