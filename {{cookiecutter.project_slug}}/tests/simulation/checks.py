"""What must be true of a log, told from its entries alone, and of a Store that lives on it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from app.core.principal import SYSTEM
from app.core.rejected import Rejected
from app.domain import Command, Event, State
from app.runtime.decide import Decider
from app.runtime.decision import Request
from app.runtime.event_log.port import Entry
from app.runtime.head import Head, principal_of
from app.runtime.pending import Turn
from app.wire import codec
from tests.simulation.disk import Disk
from tests.simulation.features import Decided, Story
from tests.simulation.ledger import Ledger
from tests.simulation.limits import POLICY
from tests.simulation.loop import Steady
from tests.simulation.violation import Violation, require


@dataclass(slots=True)
class Replica:
    """Replays each entry the moment that it is stored: what a Store must be at each position."""

    disk: Disk
    decider: Decider[State, Command, Event]
    steady: Steady
    ledger: Ledger = field(default_factory=Ledger)
    heads: list[Head[State, Command]] = field(default_factory=list)
    settled: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.heads.append(self.decider.start())

    def stored(self, expected: int, entries: Sequence[Entry]) -> None:
        """These entries are about to be stored after position `expected`."""
        end = len(self.disk.entries)
        require(expected == end, f"an append after {expected}, but the log ends at {end}")
        for entry in entries:
            head = self.heads[-1]
            words = f"position {entry.position} after {head.position}"
            require(entry.position == head.position + 1, words)
            require(entry.time >= head.time, f"time runs back at {entry.position}")
            if entry.settles is not None:
                require(entry.settles not in self.settled, f"{entry.settles} is settled twice")
                self.settled.add(entry.settles)
            self.ledger.enter(entry, self.steady.now)
            self.heads.append(self.decider.replayed(head, entry).head)
            if entry.continues is not None:
                self._check_attempts(entry.continues)

    def _check_attempts(self, origin: str) -> None:
        """An effect is not tried too often.

        A node that is held and loses the lease may yet note an attempt, which it does not make.
        """
        attempts = self.heads[-1].effects.pending[origin].attempts
        losses = max(self.disk.terms - 1, 0)
        require(attempts <= POLICY.attempts + losses, f"{origin} is tried {attempts} times")

    def check_refusal(self, request: Request[Command], words: str, since: int, now: int) -> None:
        """Some State that there was after position `since` refuses this in these words."""
        for head in reversed(self.heads[since:]):
            try:
                self.decider.asked(head.state, request, now)
            except Rejected as refusal:
                if refusal.message == words:
                    return
        raise Violation(f"{request.command} is refused: {words}; by what was so before {since}")

    def check(self, head: Head[State, Command], what: str) -> None:
        """A head is what replaying the log from nothing leads to, at the same position."""
        end = len(self.disk.entries)
        require(head.position <= end, f"{what} is at {head.position}, but the log ends at {end}")
        wanted = self.heads[head.position]
        for part in ("time", "state", "effects", "remembered"):
            same = getattr(head, part) == getattr(wanted, part)
            require(same, f"{what} has other {part} at {head.position} than a replay from nothing")


def check_log(disk: Disk, window: int) -> None:
    """No command of a client was decided twice in a window."""
    decided: dict[tuple[str, str], int] = {}
    for entry in disk.entries:
        if entry.action is not None and entry.cause is not None and entry.outcome is None:
            name = (entry.principal, entry.cause)
            is_twice = entry.time - decided.get(name, -window - 1) <= window
            require(not is_twice, f"{name} is decided twice")
            decided[name] = entry.time


def decisions(disk: Disk) -> Iterator[Sequence[Entry]]:
    """The entries of each decision."""
    some: list[Entry] = []
    for entry in disk.entries:
        if some and entry.command != some[0].command:
            yield some
            some = []
        some.append(entry)
    if some:
        yield some


def story_of(disk: Disk, state: State, ports: Mapping[str, Any]) -> Story:
    """What the log tells, for the checks of the features."""
    story = Story(state, ports)
    for entries in decisions(disk):
        events = {e.position: codec.decode_event(e.event) for e in entries if e.event is not None}
        story.events.update(events)
        first = entries[0]
        if first.action is not None and first.principal != SYSTEM.name:
            command = codec.decode_command(first.action)
            by = principal_of(first.principal, first.role)
            story.decided.append(Decided(command, by, events))
        if first.continues is not None and first.outcome == Turn.STARTED:
            story.started[first.continues] += 1
        if first.settles is not None and first.outcome == "discarded":
            story.discarded.add(first.settles)
        about = first.settles or first.continues
        if about is not None:
            story.last[int(about.partition(".")[0])] = first.position
    return story
