"""Tests of rules, in three words: given these events, when this command, then these events.

    given(Moved(1), Moved(2)).when(Move(3)).then(Moved(3))
    given(Moved(1)).when(Stop()).then(Stopped(), asks=[Dispatch(Park())])
    given(Stopped()).when(Move(3)).then_rejected(Code.CONFLICT, "has stopped")

The time is always NOW, and new ids come from the seed `test`, so that events compare equal; after
`given(…).at(…)` they are what they were at a moment of the event log. An effect that a test does
not name fails it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import pytest

from app.core.effects import Append, Publish
from app.core.environment import EPOCH, Environment
from app.core.principal import SYSTEM, Principal
from app.core.rejected import Code, Rejected
from app.core.terms import Terms
from app.domain import Command, Effect, Event, State, reduce
from app.wire import codec

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
MICROSECONDS = int((NOW - EPOCH).total_seconds()) * 1_000_000


def environment(by: Principal = SYSTEM) -> Environment:
    """An Environment whose time is NOW."""
    return Environment(MICROSECONDS, "test", by)


def given(*events: Event) -> Given:
    """The State that these events leave."""
    return Given(_after(State(), events)[0])


@dataclass(frozen=True, slots=True)
class Moment:
    """What Environments are made of; at a `position` of the log, each event has a seed of its own.

    `time` is in microseconds since 1970.
    """

    time: int = MICROSECONDS
    seed: str = "test"
    position: int | None = None
    terms: Terms = Terms()

    def of_command(self, by: Principal) -> Environment:
        """The Environment in which a command is decided."""
        return Environment(self.time, self.seed, by, self.terms)

    def of_event(self, place: int, by: Principal) -> Environment:
        """The Environment of an event, in its place among those of the command."""
        own = self.seed if self.position is None else f"{self.seed}/{self.position + place}"
        return Environment(self.time, own, by, self.terms)


NOW_AND_HERE = Moment()


@dataclass(frozen=True, slots=True)
class Given:
    """A State in which something is about to happen."""

    state: State
    moment: Moment = NOW_AND_HERE

    def at(
        self, time: datetime, seed: str, position: int, terms: Terms = NOW_AND_HERE.terms
    ) -> Given:
        """The same, but at a moment of the event log: the time, the key and the first position."""
        moment = Moment((time - EPOCH) // timedelta(microseconds=1), seed, position, terms)
        return replace(self, moment=moment)

    def when(self, command: Command, by: Principal = SYSTEM) -> When:
        """Decide a command that this principal sends."""
        return When(self.state, command, by, self.moment)

    def asks_for(self, event: Event, *effects: Effect) -> None:
        """Check that the event, happening now, asks for exactly these effects."""
        assert _after(self.state, [event])[1] == list(effects)


@dataclass(frozen=True, slots=True)
class When:
    """A command that is decided in a State."""

    state: State
    command: Command
    by: Principal
    moment: Moment

    def then(self, *events: Event, asks: Sequence[Effect] = ()) -> None:
        """Check that the command leads to exactly these events, and they ask for these effects."""
        after, effects = self._decided()
        assert effects == [Append(event) for event in events]
        assert after == self.state
        assert _after(self.state, events, self.moment, self.by)[1] == list(asks)

    def then_published(self, *events: Event) -> None:
        """Check that the command leads to exactly these ephemeral events."""
        assert self._decided()[1] == [Publish(event) for event in events]

    def then_rejected(self, code: Code, words: str = "") -> None:
        """Check that the command is refused with this code, in a message that has these words."""
        with pytest.raises(Rejected) as refusal:
            self._decided()
        assert refusal.value.code is code
        assert words in refusal.value.message

    def _decided(self) -> tuple[State, list[Effect]]:
        return reduce(self.state, self.command, self.moment.of_command(self.by))


def _after(
    state: State, events: Sequence[Event], moment: Moment = NOW_AND_HERE, by: Principal = SYSTEM
) -> tuple[State, list[Effect]]:
    """The State after the events, and the effects that they ask for."""
    asked: list[Effect] = []
    for place, event in enumerate(events):
        state, effects = reduce(state, event, moment.of_event(place, by))
        asked.extend(effects)
        stored = [each for each in effects if not isinstance(each, Append | Publish)]
        codec.encode_effects(stored)  # raises for a task that could not be read again
    return state, asked
