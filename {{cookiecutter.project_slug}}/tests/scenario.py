"""Tests of rules, in three words: given these events, when this command, then these events.

    given(Moved(1), Moved(2)).when(Move(3)).then(Moved(3))
    given(Stopped()).when(Move(3)).then_rejected(Code.CONFLICT, "has stopped")

The time is always NOW, and new ids come from the seed `test`, so that events compare equal.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

import pytest

from app.core.effects import Append, Dispatch, Publish
from app.core.environment import EPOCH, Environment
from app.core.rejected import Code, Rejected
from app.domain import Command, Event, State, reduce

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
MICROSECONDS = int((NOW - EPOCH).total_seconds()) * 1_000_000


def environment() -> Environment:
    """An Environment whose time is NOW."""
    return Environment(MICROSECONDS, "test")


def given(*events: Event) -> Given:
    """The State that these events leave."""
    state = State()
    for event in events:
        state, _ = reduce(state, event, environment())
    return Given(state)


@dataclass(frozen=True, slots=True)
class Given:
    """A State in which something is about to happen."""

    state: State

    def when(self, command: Command) -> When:
        """Decide a command."""
        return When(self.state, command)

    def asks_for(self, event: Event, *commands: Command) -> None:
        """Check that the event, happening now, asks for exactly these commands."""
        _, effects = reduce(self.state, event, environment())
        assert effects == [Dispatch(command) for command in commands]


@dataclass(frozen=True, slots=True)
class When:
    """A command that is decided in a State."""

    state: State
    command: Command

    def then(self, *events: Event) -> None:
        """Check that the command leads to exactly these events, and leaves the State alone."""
        after, effects = reduce(self.state, self.command, environment())
        assert effects == [Append(event) for event in events]
        assert after == self.state

    def then_published(self, *events: Event) -> None:
        """Check that the command leads to exactly these passing events."""
        _, effects = reduce(self.state, self.command, environment())
        assert effects == [Publish(event) for event in events]

    def then_rejected(self, code: Code, words: str = "") -> None:
        """Check that the command is refused with this code, in a message that has these words."""
        with pytest.raises(Rejected) as refusal:
            reduce(self.state, self.command, environment())
        assert refusal.value.code is code
        assert words in refusal.value.message
