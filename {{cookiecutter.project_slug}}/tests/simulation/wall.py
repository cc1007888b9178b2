"""The clock on a machine's wall: it is set back or forward, and a suspended machine wakes late."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from app.runtime.decision import MICROSECONDS

HOUR = 3600
# By a time server, by somebody's hand, by an hour that was wrong, by a night asleep; in seconds.
JUMPS = (-20, 20), (-600, 600), (-HOUR, HOUR), (HOUR, 8 * HOUR)


@dataclass(slots=True)
class Wall:
    """What it is `ahead` of the steady clock now, and was at most: microseconds since 1970."""

    ahead: int
    furthest: int = 0
    leaps: int = 0

    def __post_init__(self) -> None:
        self.furthest = self.ahead

    def at(self, seconds: float) -> int:
        """The time that it shows so many seconds after the simulation began."""
        return self.ahead + int(seconds * MICROSECONDS)

    def furthest_at(self, seconds: float) -> int:
        """The time that it would show then, if it had never been set back."""
        return self.furthest + int(seconds * MICROSECONDS)

    def jump(self, chance: Random) -> str:
        """Somebody sets it; how, in words."""
        seconds = chance.randint(*chance.choice(JUMPS))
        self.ahead += seconds * MICROSECONDS
        self.furthest = max(self.furthest, self.ahead)
        self.leaps += seconds > 0
        return "clock set forward" if seconds > 0 else "clock set back"
