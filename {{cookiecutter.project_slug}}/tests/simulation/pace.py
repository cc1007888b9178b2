"""The time that the entries of one life have, and how soon it tries again what has failed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeAlias

from app.core.principal import SYSTEM
from app.runtime.attempts import AGAIN_SECONDS
from app.runtime.decision import MICROSECONDS
from app.runtime.event_log.port import Entry
from tests.simulation.violation import require
from tests.simulation.wall import Wall

ROUNDED = 1000  # microseconds: the Store's clock adds up what has passed
SECONDS_ROUNDED = ROUNDED / MICROSECONDS

# An effect, and what is to be noted of it.
Note: TypeAlias = tuple[str, str | None]


class Pace:
    """Compares with a steady clock, in seconds, and with the wall's.

    Time goes on at least as fast as the steady clock, from the newest entry of the log at the
    start; it is never behind the wall, and never ahead of all that the wall has ever shown.
    """

    def __init__(self, wall: Wall, newest: int, now: float) -> None:
        self._wall = wall
        self._newest = newest
        self._at = now
        self._refused: dict[Note, tuple[float, int]] = {}

    def asked(self, entries: Sequence[Entry], now: float) -> None:
        """These were decided just now, and are to be stored."""
        time, wall = entries[0].time, self._wall
        least = self.least(now)
        words = f"{entries[0].position}, at {time},"
        require(time >= least - ROUNDED, f"time stands still: {words} is before {least}")
        behind = wall.at(now)
        require(time >= behind - ROUNDED, f"{words} is behind the wall's {behind}")
        ahead = wall.furthest_at(now)
        require(time <= ahead + ROUNDED, f"{words} is ahead of any wall's {ahead}")
        self._newest, self._at = time, now
        for note in notes(entries):
            since, leaps = self._refused.pop(note, (-AGAIN_SECONDS, -1))
            is_soon = now - since < AGAIN_SECONDS - SECONDS_ROUNDED and leaps == wall.leaps
            require(not is_soon, f"{note} is tried again after {now - since} s")

    def least(self, now: float) -> int:
        """The time that the Store's clock must show by now, by what this life has stored."""
        return self._newest + int((now - self._at) * MICROSECONDS)

    def refused(self, entries: Sequence[Entry], now: float) -> None:
        """There was no room for these."""
        self._refused |= dict.fromkeys(notes(entries), (now, self._wall.leaps))


def notes(entries: Sequence[Entry]) -> Iterator[Note]:
    """What the service itself notes of its effects."""
    for entry in entries:
        about = entry.settles or entry.continues
        if about is not None and entry.principal == SYSTEM.name:
            yield about, entry.outcome
