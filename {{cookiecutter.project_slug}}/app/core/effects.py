"""What a reducer asks for: values that only the runtime performs.

A command asks for `Append` and `Publish`. An event asks for all the others; they are stored in the
event's own commit, performed at least once however often the process ends, and settled once.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeAlias, TypeVar

from app.core.ports import Attempt, Ports

Event = TypeVar("Event", covariant=True)
Command = TypeVar("Command", covariant=True)


@dataclass(frozen=True, slots=True)
class Append(Generic[Event]):
    """A durable fact: logged, then reduced, then broadcast. Asked for by commands."""

    event: Event


@dataclass(frozen=True, slots=True)
class Publish(Generic[Event]):
    """An ephemeral fact: broadcast at most once, never logged or reduced. Asked for by commands.

    A command that asks for nothing else is decided on this node's own State, without asking the
    log: a node that is behind, or cut off, may allow what is no longer allowed. Where that matters,
    `Append` something, too: then the log is asked.
    """

    event: Event


@dataclass(frozen=True, slots=True)
class Dispatch(Generic[Command]):
    """A command of the service's own, decided later and once; a refusal ends it too."""

    command: Command


class Task(Protocol[Command]):
    """Work outside of the service, as a frozen dataclass: what it is called with is stored."""

    async def __call__(self, ports: Ports, attempt: Attempt) -> Command | None:
        """Do the work; the command that it leads to, if any, is decided next."""


class StreamTask(Protocol[Command]):
    """Work that leads to many commands, one after another."""

    def __call__(self, ports: Ports, attempt: Attempt) -> AsyncIterator[Command]:
        """Give the commands, beginning after the first `attempt.given` of them."""


@dataclass(frozen=True, slots=True)
class Run(Generic[Command]):
    """Work that leads to one command or none; failures are retried if that can help."""

    task: Task[Command]
    key: str | None = None


@dataclass(frozen=True, slots=True)
class Stream(Generic[Command]):
    """Work that leads to many commands; each is stored, so a restart goes on after the last."""

    task: StreamTask[Command]
    key: str | None = None


@dataclass(frozen=True, slots=True)
class Delay(Generic[Command]):
    """A command so many seconds later, across restarts; one that is overdue is decided at once."""

    seconds: float
    command: Command
    key: str | None = None


@dataclass(frozen=True, slots=True)
class Cancel:
    """End every Run, Stream and Delay with this key that has not ended yet.

    All features share their keys. One feature may take its bare ids; all others begin theirs with
    a word and a slash, as in `mail/{id}`: no id has a slash.
    """

    key: str


@dataclass(frozen=True, slots=True)
class Parallel(Generic[Command]):
    """All of these at the same time; each of them ends on its own."""

    effects: tuple[Durable[Command], ...]


@dataclass(frozen=True, slots=True)
class Sequential(Generic[Command]):
    """One after another: the next begins when the one before has ended, refused or not."""

    effects: tuple[Durable[Command], ...]


Leaf: TypeAlias = Dispatch[Command] | Run[Command] | Stream[Command] | Delay[Command]
Durable: TypeAlias = (
    Dispatch[Command]
    | Run[Command]
    | Stream[Command]
    | Delay[Command]
    | Cancel
    | Parallel[Command]
    | Sequential[Command]
)
Effects: TypeAlias = Sequence[Append[Event] | Publish[Event] | Durable[Command]]
