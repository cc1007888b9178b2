"""All that the log says up to a position, and how entries move it on."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Generic, NamedTuple

from app.core.effects import Durable
from app.core.principal import Principal, Role
from app.runtime.event_log.port import Entry
from app.runtime.pending import Changing, PendingEffects, Turn
from app.runtime.remembered import Remembered
from app.runtime.rules import Command, State


class Head(NamedTuple, Generic[State, Command]):
    """The State, the effects that have not ended, and the ids of commands, at a position."""

    position: int
    time: int
    state: State
    effects: PendingEffects[Command] = PendingEffects()
    remembered: Remembered = Remembered()


class Advance(Generic[State, Command]):
    """A head while entries move it on: one for many entries is cheaper than a head for each.

    `window` is how long ids are remembered, in microseconds. Effects in `ended` begin and end
    within these entries, so nothing is noted of them. `begun` and `cancelled` are the origins of
    effects that are to be performed now, and of those that no longer are.
    """

    def __init__(
        self, head: Head[State, Command], window: int, ended: frozenset[str] = frozenset()
    ) -> None:
        self.position = head.position
        self.time = head.time
        self.state = head.state
        self._changing = Changing(head.effects, head.time, ended)
        self._remembered = head.remembered
        self._window = window
        self._ended = ended
        self.begun = self._changing.begun
        self.cancelled = self._changing.cancelled

    def enter(self, entry: Entry, state: State, asked: Sequence[Durable[Command]]) -> None:
        """An entry that leaves this State and asks for this."""
        self.position, self.time, self.state = entry.position, entry.time, state
        changing = self._changing
        changing.now = entry.time
        if entry.continues is not None and entry.continues not in self._ended:
            turn, _, words = (entry.outcome or "").partition(": ")
            changing.turn(entry.continues, Turn(turn), words)
        if entry.settles is not None and entry.settles not in self._ended:
            changing.settle(entry.settles)
        if asked:
            changing.ask(entry.position, asked, entry.cause)
        if entry.action is not None and entry.cause is not None and entry.outcome is None:
            self._remembered = self._remembered.added(
                (str(entry.role), entry.principal, entry.cause),
                entry.position,
                now=entry.time,
                window=self._window,
            )

    def head(self) -> Head[State, Command]:
        """Where the entries have led to."""
        effects = self._changing.result()
        return Head(self.position, self.time, self.state, effects, self._remembered)


def begun_and_ended(entries: Sequence[Entry]) -> frozenset[str]:
    """Effects of which these entries tell the beginning and the end.

    Only those that stand alone: the end of one in a Parallel or Sequential leads to another.
    """
    first = entries[0].position
    return frozenset(
        entry.settles
        for entry in entries
        if entry.settles is not None
        and entry.settles.count(".") == 1
        and int(entry.settles.partition(".")[0]) >= first
    )


def seed_of(command: str, position: int) -> str:
    """What an event's new ids are made of: its decision and its place, in any copy of the log."""
    return f"{command}/{position}"


@lru_cache(4096)
def principal_of(name: str, role: str) -> Principal:
    """Who sent the command of an entry."""
    return Principal(name, Role(role))
