"""What a reducer asks for: values that only the runtime performs."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeAlias, TypeVar

Event = TypeVar("Event", covariant=True)
Command = TypeVar("Command", covariant=True)


@dataclass(frozen=True, slots=True)
class Append(Generic[Event]):
    """A durable fact: logged, then reduced, then broadcast. Asked for by commands."""

    event: Event


@dataclass(frozen=True, slots=True)
class Publish(Generic[Event]):
    """A passing fact: broadcast at most once, never logged or reduced. Asked for by commands."""

    event: Event


@dataclass(frozen=True, slots=True)
class Dispatch(Generic[Command]):
    """A command of the service's own, decided later, surely and once. Asked for by events.

    It is stored together with the event that asks for it, so a crash between the two loses
    neither, and an edited reducer never asks again for what old events asked for long ago.
    """

    command: Command


Effects: TypeAlias = Sequence[Append[Event] | Publish[Event] | Dispatch[Command]]
