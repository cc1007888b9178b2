"""The features that can be simulated: those whose tests have a `simulated.py`.

It has two functions, and may have two more, and two values:

    command(chance, state, principal)   some command that the principal could send now
    check(state)                        asserts what is always true
    finish(story)                       asserts what is true in the end, when all effects have ended
    ports(outside)                      the feature's ports, by the name that `Ports` has for them
    WEIGHT                              how often it is chosen, 1 being usual
    LIMITS                              the feature's limits, small: by module and name
"""

from __future__ import annotations

import traceback
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from random import Random
from typing import Any, TypeVar

from app.core.principal import Principal
from app.domain import Command, Event, State
from tests.simulation.outside import Outside
from tests.simulation.violation import Violation

T = TypeVar("T")

FOLDER = Path(__file__).parent.parent


@dataclass(frozen=True, slots=True)
class Decided:
    """A command that was accepted, who sent it, and its events by position."""

    command: Command
    by: Principal
    events: Mapping[int, Event]


@dataclass(slots=True)
class Story:
    """All that a log tells, in order, and the State in the end.

    `started` counts the attempts at an effect, by origin; `discarded` are the origins of effects
    that an operator gave up. `last` is the last position that tells of an effect, by the position
    of the event that asked for it.
    """

    state: State
    ports: Mapping[str, Any]
    decided: list[Decided] = field(default_factory=list)
    events: dict[int, Event] = field(default_factory=dict)
    started: Counter[str] = field(default_factory=Counter)
    discarded: set[str] = field(default_factory=set)
    last: dict[int, int] = field(default_factory=dict)

    def is_discarded(self, position: int) -> bool:
        """Whether an effect of the event at this position was given up."""
        return any(origin.split(".")[0] == str(position) for origin in self.discarded)

    def of(self, kind: type[T]) -> Iterator[tuple[int, T]]:
        """The events of this class, with their positions."""
        return ((p, event) for p, event in self.events.items() if isinstance(event, kind))


def no_ports(outside: Outside) -> Mapping[str, Any]:
    """Of a feature that needs nothing from outside."""
    return {}


def nothing(story: Story) -> None:
    """Of a feature of which no more is known in the end."""


@dataclass(frozen=True, slots=True)
class Feature:
    """What a `simulated.py` has."""

    name: str
    command: Callable[[Random, State, Principal], Command]
    check: Callable[[State], None]
    finish: Callable[[Story], None]
    ports: Callable[[Outside], Mapping[str, Any]]
    weight: int
    limits: Mapping[str, Mapping[str, object]]


def find_features() -> Sequence[Feature]:
    """Every feature that can be simulated, by name."""
    found = []
    for path in sorted(FOLDER.glob("*/simulated.py")):
        module = import_module(f"tests.{path.parent.name}.simulated")
        feature = Feature(
            path.parent.name,
            module.command,
            module.check,
            getattr(module, "finish", nothing),
            getattr(module, "ports", no_ports),
            getattr(module, "WEIGHT", 1),
            getattr(module, "LIMITS", {}),
        )
        found.append(feature)
    return found


def check_state(state: State) -> None:
    """What every feature says of the State."""
    for feature in FEATURES:
        with _named(feature):
            feature.check(state)


def check_story(story: Story) -> None:
    """What every feature says of it in the end."""
    for feature in FEATURES:
        with _named(feature):
            feature.finish(story)


@contextmanager
def _named(feature: Feature) -> Iterator[None]:
    """Say which feature's assertion fails, and which it is; or what else it stumbles over."""
    try:
        yield
    except AssertionError as problem:
        line = traceback.extract_tb(problem.__traceback__)[-1].line
        raise Violation(f"{feature.name}: {str(problem) or line}") from problem
    except Exception as problem:
        raise Violation(f"{feature.name}: {problem!r}") from problem


FEATURES = find_features()
WEIGHTS = [feature.weight for feature in FEATURES]
