"""The time that the entries of one life have, and how soon it tries again what has failed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TypeAlias

from app.core.principal import SYSTEM
from app.runtime.attempts import AGAIN_SECONDS
from app.runtime.decision import MICROSECONDS
from app.runtime.event_log.port import Entry
from tests.simulation.violation import require

ROUNDED = 1000  # microseconds: the Store's clock adds up what has passed

# An effect, and what is to be noted of it.
Note: TypeAlias = tuple[str, str | None]


class Pace:
    """Compares with a steady clock, in seconds, with the node's wall clock, and with all there are.

    Time goes on at least as fast as the steady clock, from the `newest` entry of the log when the
    Store is there; it is never behind the wall, and never ahead of all that any wall has shown.
    """

    def __init__(
        self, wall: Callable[[], int], furthest: Callable[[], int], newest: int, now: float
    ) -> None:
        self._wall = wall
        self._furthest = furthest
        self._newest = newest
        self._at = now
        self._refused: dict[Note, int] = {}

    def asked(self, entries: Sequence[Entry], now: float) -> None:
        """These were decided just now, and are to be stored."""
        time = entries[0].time
        words = f"{entries[0].position}, at {time},"
        least = self._newest + int((now - self._at) * MICROSECONDS)
        require(time >= least - ROUNDED, f"time stands still: {words} is before {least}")
        wall = self._wall()
        require(time >= wall - ROUNDED, f"{words} is behind the wall's {wall}")
        furthest = self._furthest()
        require(time <= furthest + ROUNDED, f"{words} is ahead of any wall's {furthest}")
        self._newest, self._at = time, now
        for note in notes(entries):
            if note in self._refused:
                passed = (time - self._refused.pop(note)) / MICROSECONDS
                is_soon = passed < AGAIN_SECONDS - ROUNDED / MICROSECONDS
                require(not is_soon, f"{note} is tried again after {passed} s")

    def refused(self, entries: Sequence[Entry]) -> None:
        """There was no room for these."""
        self._refused |= dict.fromkeys(notes(entries), entries[0].time)


def notes(entries: Sequence[Entry]) -> Iterator[Note]:
    """What the service itself notes of its effects."""
    for entry in entries:
        if is_of_effect(entry):
            yield entry.settles or entry.continues or "", entry.outcome


def is_of_effect(entry: Entry) -> bool:
    """Whether it tells what became of an effect, and nobody but the service has said so."""
    about = entry.settles or entry.continues
    return about is not None and entry.principal == SYSTEM.name
