"""Holds a domain against its log: what cannot be read any more, and what would now be otherwise.

Pure: the entries go in one after another, the differences come out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Generic, TypeAlias

from app.core.rejected import Rejected
from app.runtime.compare import StateDiffers, compare_states
from app.runtime.decide import Course, Decider
from app.runtime.decision import Request
from app.runtime.event_log.port import Entry, Snapshot
from app.runtime.group import words_of
from app.runtime.head import Head, principal_of
from app.runtime.pending import Turn
from app.runtime.rules import Command, Event, Rules, State

REFUSED = "refused: "


@dataclass(frozen=True, slots=True)
class CannotBeRead:
    """A part of an entry (its event, its effects, its role) that cannot be read, or not applied."""

    position: int
    part: str
    words: str
    text: str


@dataclass(frozen=True, slots=True)
class Ending:
    """What becomes of a command: its events, each with its effects, or why it is refused."""

    events: tuple[tuple[str, str | None], ...] = ()
    refused: str | None = None

    def is_like(self, other: Ending) -> bool:
        """Whether both are the same for everybody but the reader of a refusal."""
        is_refused = self.refused is not None
        return is_refused is (other.refused is not None) and self.events == other.events


@dataclass(frozen=True, slots=True)
class DecidedDifferently:
    """A command of the past that would now have another end; `action` is its JSON."""

    position: int
    by: str
    action: str
    then: Ending
    now: Ending


Difference: TypeAlias = CannotBeRead | StateDiffers | DecidedDifferently


@dataclass(slots=True)
class _Deciding:
    """A command whose entries are being read: what became of it, as far as that was read."""

    first: Entry
    action: str
    now: Ending
    then: list[tuple[str, str | None]] = field(default_factory=list)
    is_readable: bool = True


class Check(Generic[State, Command, Event]):
    """The log is read with these rules, whatever those were that it was written with.

    Every command is decided again on the State before it, at its own time, as the same principal,
    with the same ids. What cannot be read is left out; `unsure_after` is then the first such
    position, and what is found after it may be a consequence.
    """

    def __init__(
        self, rules: Rules[State, Command, Event], snapshot: Snapshot | None = None
    ) -> None:
        self.unsure_after: int | None = None
        self._rules = rules
        self._decider = Decider(rules)
        self._state = rules.initial
        self._snapshot = snapshot
        self._deciding: _Deciding | None = None

    def differences(self, entries: Iterable[Entry]) -> Iterator[Difference]:
        """All that is found in a log, in its order."""
        for entry in entries:
            if self._deciding is not None and entry.command != self._deciding.first.command:
                yield from self._ended()
            if entry.action is not None:
                now = self._decided_again(entry, entry.action)
                self._deciding = _Deciding(entry, entry.action, now)
            yield from self._apply(entry)
            if self._snapshot is not None and entry.position == self._snapshot.position:
                rows = self._rules.encode_state(self._state)
                yield from compare_states(entry.position, self._snapshot.rows, rows)
        yield from self._ended()

    def _decided_again(self, entry: Entry, action: str) -> Ending:
        try:
            command = self._rules.decode_command(action)
            by = principal_of(entry.principal, entry.role)
        except (Rejected, ValueError) as problem:
            return Ending(refused=f"cannot be read: {words_of(problem)}")
        # Without its origin: whether the effect that asked for it is still awaited is no matter.
        request = Request(command, by, entry.command, entry.cause)
        head: Head[State, Command] = Head(entry.position - 1, entry.time, self._state)
        try:
            course = Course(self._decider, head, request, entry.time)
            course.take(self._decider.asked(self._state, request, entry.time))
        except Exception as problem:  # a refusal, or whatever a faulty rule may raise
            return Ending(refused=words_of(problem))
        entries = course.decision().entries
        return Ending(tuple((e.event, e.effects) for e in entries if e.event is not None))

    def _ended(self) -> Iterator[DecidedDifferently]:
        """Compare, once all entries of a command are read; what cannot be read is told already."""
        deciding, self._deciding = self._deciding, None
        if deciding is None or not deciding.is_readable:
            return
        first = deciding.first
        then = Ending(tuple(deciding.then), refusal_of(first.outcome))
        if not then.is_like(deciding.now):
            by = f"{first.principal} ({first.role})"
            yield DecidedDifferently(first.position, by, deciding.action, then, deciding.now)

    def _apply(self, entry: Entry) -> Iterator[CannotBeRead]:
        """Go on to the State after the entry, and note what it says as it would now be written."""
        part, text = "event", entry.event
        event, effects = None, entry.effects
        try:
            if entry.event is not None:
                event = self._applied(entry, entry.event)
            part, text = "effects", entry.effects
            if effects is not None:
                effects = self._rules.encode_effects(self._rules.decode_effects(effects))
        except Exception as problem:  # a refusal, or whatever a faulty rule may raise
            if self._deciding is not None:
                self._deciding.is_readable = False
            if part == "event" and self.unsure_after is None:
                self.unsure_after = entry.position
            yield CannotBeRead(entry.position, part, words_of(problem), text or "")
            return
        if self._deciding is not None and event is not None:
            self._deciding.then.append((event, effects))

    def _applied(self, entry: Entry, text: str) -> str:
        event = self._rules.decode_event(text)
        self._state = self._decider.evolved(self._state, entry, event)
        return self._rules.encode_event(event)


def refusal_of(outcome: str | None) -> str | None:
    """Why a command of the service's own was refused, if it was."""
    words = (outcome or "").removeprefix(f"{Turn.GIVEN}: ")
    return words.removeprefix(REFUSED) if words.startswith(REFUSED) else None
