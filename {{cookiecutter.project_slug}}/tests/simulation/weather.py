"""How bad it is: the disk, the line to it, the outside, and the clocks."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random


@dataclass(frozen=True, slots=True)
class Weather:
    """How likely each failure is; how long the disk, the outside and news of others take (seconds).

    `troubles` is how often in a second a machine's clock is set, its process held, or its line cut.
    """

    full: float = 0.0
    conflict: float = 0.0
    lost: float = 0.0
    broken: float = 0.0
    outside: float = 0.0
    troubles: float = 0.0
    disk_seconds: float = 0.001
    outside_seconds: float = 0.01
    news_seconds: float = 0.01


# Those do not end with bad weather: what they hold up must be on time soon after.
CALM = Weather(troubles=0.01)


def some_weather(chance: Random) -> Weather:
    """Some kinds of failure, not all: each schedule has a climate of its own."""
    full, conflict, lost, broken, outside = (chance.random() < 0.5 for _ in range(5))
    return Weather(
        full=0.05 * full,
        conflict=0.05 * conflict,
        lost=0.08 * lost,
        broken=0.01 * broken,
        outside=0.4 * outside,
        troubles=chance.choice((0.0, 0.0, 0.02, 0.2)),
        disk_seconds=chance.choice((0.0005, 0.02, 0.2)),
        outside_seconds=chance.choice((0.001, 0.3, 2)),
        news_seconds=chance.choice((0.001, 0.1, 2)),
    )
