"""What must be true of a log, told from its entries alone, and of a Store that lives on it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from app.core.effects import Cancel, Delay, Durable, Parallel, Sequential
from app.core.principal import SYSTEM
from app.domain import Command, Event, State
from app.runtime.decide import Decider
from app.runtime.decision import MICROSECONDS
from app.runtime.event_log.port import Entry
from app.runtime.head import Head
from app.runtime.pending import Turn
from app.wire import codec
from tests.simulation.disk import Disk
from tests.simulation.features import Decided, Story
from tests.simulation.violation import require

SLACK = 2 * MICROSECONDS


@dataclass(slots=True)
class Replica:
    """Replays each entry the moment that it is stored: what a Store must be at each position."""

    disk: Disk
    decider: Decider[State, Command, Event]
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
            self.heads.append(self.decider.replayed(head, entry).head)

    def check(self, head: Head[State, Command], what: str) -> None:
        """A head is what replaying the log from nothing leads to, at the same position."""
        end = len(self.disk.entries)
        require(head.position <= end, f"{what} is at {head.position}, but the log ends at {end}")
        wanted = self.heads[head.position]
        for part in ("time", "state", "effects", "remembered"):
            same = getattr(head, part) == getattr(wanted, part)
            require(same, f"{what} has other {part} at {head.position} than a replay from nothing")


@dataclass(slots=True)
class Ledger:
    """Keeps account of the effects of a log, apart from the Store's own table.

    `open` are the effects that were asked for and have not ended, by origin, with the time at
    which they were asked for. From `calm` on, in microseconds since 1970, nothing goes wrong.
    """

    calm: int
    open: dict[str, tuple[Durable[Command], int]] = field(default_factory=dict)

    def enter(self, entry: Entry) -> None:
        """What one entry tells of effects: first of the one it is about, then of new ones."""
        about = entry.settles or entry.continues
        if about is not None:
            require(about in self.open, f"{entry.position} is about {about}, which is not open")
        if entry.settles is not None:
            effect, since = self.open.pop(entry.settles)
            if isinstance(effect, Delay) and entry.outcome != "discarded":
                self.check_time(entry, since + round(effect.seconds * MICROSECONDS))
        if entry.effects is not None:
            for place, effect in enumerate(codec.decode_effects(entry.effects)):
                self.ask(f"{entry.position}.{place}", effect, entry.time)

    def ask(self, origin: str, effect: Durable[Command], now: int) -> None:
        """An event asks for this."""
        if isinstance(effect, Cancel):
            for other, (each, _) in list(self.open.items()):
                if getattr(each, "key", None) == effect.key:
                    del self.open[other]
        elif isinstance(effect, Parallel | Sequential):
            for place, child in enumerate(effect.effects):
                self.ask(f"{origin}.{place}", child, now)
        else:
            self.open[origin] = (effect, now)

    def check_time(self, entry: Entry, due: int) -> None:
        """A Delay is never early, and not late while nothing goes wrong."""
        require(entry.time >= due, f"the Delay {entry.settles} is early")
        if entry.time > self.calm:
            late = entry.time - max(due, self.calm)
            require(late <= SLACK, f"the Delay {entry.settles} is {late / MICROSECONDS} s late")


def check_log(disk: Disk, calm: int, window: int) -> None:
    """Every effect has ended once, and no command of a client was decided twice in a window."""
    ledger = Ledger(calm)
    decided: dict[tuple[str, str], int] = {}
    for entry in disk.entries:
        ledger.enter(entry)
        if entry.action is not None and entry.cause is not None and entry.outcome is None:
            name = (entry.principal, entry.cause)
            is_twice = entry.time - decided.get(name, -window - 1) <= window
            require(not is_twice, f"{name} is decided twice")
            decided[name] = entry.time
    require(not ledger.open, f"these effects never end: {', '.join(ledger.open)}")


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
            story.decided.append(Decided(command, first.principal, events))
        if first.continues is not None and first.outcome == Turn.STARTED:
            story.started[first.continues] += 1
        if first.settles is not None and first.outcome == "discarded":
            story.discarded.add(first.settles)
    return story
