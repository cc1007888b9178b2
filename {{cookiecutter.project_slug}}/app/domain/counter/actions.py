"""What can be asked of the counter, and what can happen to it.

Class names are wire names and log names: rename with care (`wire/upcasters.py`).
A new field of an event needs a default, so that the log of yesterday still loads.
"""

from dataclasses import dataclass
from typing import Annotated, TypeAlias

from annotated_types import Ge, Le

# Commands: what clients ask for.


@dataclass(frozen=True, slots=True)
class Increment:
    """Count further."""

    by: Annotated[int, Ge(1), Le(1000)] = 1


@dataclass(frozen=True, slots=True)
class Reset:
    """Begin again at zero. A class without fields is a bare string on the wire: `"Reset"`."""


# Events: what happened.


@dataclass(frozen=True, slots=True)
class Incremented:
    """The counter stands higher."""

    by: int
    value: int


@dataclass(frozen=True, slots=True)
class WasReset:
    """The counter stands at zero."""


CounterCommand: TypeAlias = Increment | Reset
CounterEvent: TypeAlias = Incremented | WasReset
CounterAction: TypeAlias = CounterCommand | CounterEvent


def topic(event: CounterEvent) -> str:
    """Who may hear this: whoever may read the counter."""
    return "counter"
