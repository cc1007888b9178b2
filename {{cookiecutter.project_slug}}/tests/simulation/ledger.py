"""Keeps account of the effects of a log: each ends once, no Delay is early, none is late."""

from __future__ import annotations

from dataclasses import dataclass, field

from app.core.effects import Cancel, Delay, Durable, Parallel, Sequential
from app.domain import Command
from app.runtime.decision import MICROSECONDS
from app.runtime.event_log.port import Entry
from app.wire import codec
from tests.simulation.violation import require

SLACK = 2 * MICROSECONDS


@dataclass(slots=True)
class Ledger:
    """Keeps account of the effects of a log, apart from the Store's own table.

    `open` are the effects that were asked for and have not ended, by origin, with the time at
    which they were asked for. Once it `is_calm`, nothing is late that is due after `excused`, in
    microseconds since 1970, and what was due before is not late after it.
    """

    is_calm: bool = False
    excused: int = 0
    open: dict[str, tuple[Durable[Command], int]] = field(default_factory=dict)

    def excuse(self, until: int) -> None:
        """Something has gone wrong, for which Delays may be late up to this time."""
        self.excused = max(self.excused, until)

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
        if self.is_calm:
            late = entry.time - max(due, self.excused)
            require(late <= SLACK, f"the Delay {entry.settles} is {late / MICROSECONDS} s late")
