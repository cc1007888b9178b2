"""What can be asked of things, and what can happen to them.

Class names are wire names and log names: rename with care (`wire/upcasters.py`).
A new field of an event needs a default, so that the log of yesterday still loads.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, TypeAlias

from annotated_types import Len

# Say here what is true of every name; whoever sends another one is told so.
Name: TypeAlias = Annotated[str, Len(1, 100)]

# Commands: what clients ask for. Add yours in the imperative, and to the union below.


@dataclass(frozen=True, slots=True)
class AddThing:
    """Add one, under a name that no other has."""

    name: Name


# Events: what happened. Add yours in the past tense, and to the union below.


@dataclass(frozen=True, slots=True)
class ThingAdded:
    """There is one more."""

    thing_id: str
    name: str
    added_at: datetime


# The type checker names every place that misses a class which is added here.
ThingCommand: TypeAlias = AddThing
ThingEvent: TypeAlias = ThingAdded
ThingAction: TypeAlias = ThingCommand | ThingEvent


def topic(event: ThingEvent) -> str:
    """Who may hear this: `things:{owner}` would let each reader hear only their own."""
    return "things"
