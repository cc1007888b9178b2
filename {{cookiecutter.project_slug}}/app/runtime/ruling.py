"""What the rules make of a command, in a State that tests can be given."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Generic

from app.core.effects import Append, Durable, Publish
from app.core.environment import Environment
from app.core.principal import Principal
from app.core.rejected import Code, Rejected
from app.runtime.head import seed_of
from app.runtime.rules import Command, Event, Rules, State


@dataclass(frozen=True, slots=True)
class Moment(Generic[Command]):
    """A command, its sender, and what its Environments are made of.

    `position` is that of the decision's first entry, `seed` its key, `time` in microseconds.
    """

    command: Command
    by: Principal
    time: int
    seed: str
    position: int


@dataclass(frozen=True, slots=True)
class Ruling(Generic[Command, Event]):
    """What becomes of a command: events, what those ask for, what is published; or a refusal."""

    events: tuple[Event, ...] = ()
    asks: tuple[Durable[Command], ...] = ()
    published: tuple[Event, ...] = ()
    refused: tuple[Code, str] | None = None


def rule(
    rules: Rules[State, Command, Event], state: State, moment: Moment[Command]
) -> Ruling[Command, Event]:
    """What the rules make of it in this State, and of the events that it leads to."""
    env = Environment(moment.time, moment.seed, moment.by, rules.terms)
    try:
        _, decided = rules.reduce(state, moment.command, env)
    except Rejected as refusal:
        return Ruling(refused=(refusal.code, refusal.message))
    events = tuple(effect.event for effect in decided if isinstance(effect, Append))
    published = tuple(effect.event for effect in decided if isinstance(effect, Publish))
    asks: list[Any] = []
    for place, event in enumerate(events):
        seed = seed_of(moment.seed, moment.position + place)
        env = Environment(moment.time, seed, moment.by, rules.terms)
        state, asked = rules.reduce(state, event, env)
        asks.extend(asked)
    return Ruling(events, tuple(asks), published)
