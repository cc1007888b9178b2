"""The counter in a simulation."""

from random import Random

from app.core.principal import Principal
from app.domain import Command, State
from app.domain.counter.actions import CounterEvent, Increment, Incremented, Reset
from app.domain.counter.reducer import HIGHEST
from tests.simulation.features import Story


def command(chance: Random, state: State, principal: Principal) -> Command:
    """Count, and begin again now and then."""
    return Reset() if chance.random() < 0.2 else Increment(chance.choice((1, 7, 1000)))


def check(state: State) -> None:
    """The counter stays in its range."""
    assert 0 <= state.counter.value <= HIGHEST


def finish(story: Story) -> None:
    """The counter has counted every step since its last reset, and every change."""
    value = turns = 0
    for event in story.events.values():
        if isinstance(event, CounterEvent):
            value = value + event.by if isinstance(event, Incremented) else 0
            turns += 1
    assert (story.state.counter.value, story.state.counter.turns) == (value, turns)
