"""Keeps account of the effects of a log: each ends once, no Delay is early, none is late."""

from __future__ import annotations

from dataclasses import dataclass, field

from app.core.effects import Cancel, Delay, Durable, Parallel, Sequential
from app.domain import Command
from app.runtime.decision import MICROSECONDS
from app.runtime.event_log.port import Entry
from app.runtime.timers import LONGEST_SLEEP_SECONDS
from app.wire import codec
from tests.simulation.pace import is_of_effect
from tests.simulation.violation import require

SLACK = 2


@dataclass(slots=True)
class Ledger:
    """Keeps account of the effects of a log, apart from the Store's own table.

    `open` are the effects that were asked for and have not ended, by origin, with the time at
    which they were asked for, and when that was stored, in seconds by the steady clock. Once it
    `is_calm`, nothing is late but what was held up until `excused`, by that clock.
    """

    open: dict[str, tuple[Durable[Command], int, float]] = field(default_factory=dict)
    is_calm: bool = False
    excused: float = 0.0
    _ahead: float = 0.0

    def excuse(self, until: float) -> None:
        """Something has gone wrong, for which Delays may be late until then."""
        self.excused = max(self.excused, until)

    def enter(self, entry: Entry, now: float) -> None:
        """What one entry tells of effects: first of the one it is about, then of new ones."""
        self._notice_leap(entry, now)
        about = entry.settles or entry.continues
        if about is not None:
            require(about in self.open, f"{entry.position} is about {about}, which is not open")
        if entry.settles is not None:
            effect, since, stored = self.open.pop(entry.settles)
            if isinstance(effect, Delay) and entry.outcome != "discarded":
                due = since + round(effect.seconds * MICROSECONDS)
                self.check_time(entry, due, now - max(stored, self.excused))
        if entry.effects is not None:
            for place, effect in enumerate(codec.decode_effects(entry.effects)):
                self.ask(f"{entry.position}.{place}", effect, entry.time, now)

    def ask(self, origin: str, effect: Durable[Command], time: int, now: float) -> None:
        """An event asks for this."""
        if isinstance(effect, Cancel):
            for other, (each, _, _) in list(self.open.items()):
                if getattr(each, "key", None) == effect.key:
                    del self.open[other]
        elif isinstance(effect, Parallel | Sequential):
            for place, child in enumerate(effect.effects):
                self.ask(f"{origin}.{place}", child, time, now)
        else:
            self.open[origin] = (effect, time, now)

    def check_time(self, entry: Entry, due: int, seconds: float) -> None:
        """A Delay is never early, and not late while nothing has gone wrong for so long."""
        require(entry.time >= due, f"the Delay {entry.settles} is early")
        if self.is_calm:
            late = min((entry.time - due) / MICROSECONDS, seconds)
            require(late <= SLACK, f"the Delay {entry.settles} is {late} s late")

    def _notice_leap(self, entry: Entry, now: float) -> None:
        """Not by whoever performs: a node's clock is ahead, and whoever sleeps notices it late."""
        ahead = entry.time / MICROSECONDS - now
        if ahead > self._ahead + SLACK and not is_of_effect(entry):
            self.excuse(now + LONGEST_SLEEP_SECONDS)
        self._ahead = ahead
