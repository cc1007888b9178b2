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
    """How far it is `ahead` of the steady clock, and ever was: microseconds since 1970."""

    ahead: int
    furthest: int = 0

    def __post_init__(self) -> None:
        self.furthest = self.ahead

    def jump(self, chance: Random) -> str:
        """Somebody sets it; how, in words."""
        seconds = chance.randint(*chance.choice(JUMPS))
        self.ahead += seconds * MICROSECONDS
        self.furthest = max(self.furthest, self.ahead)
        return "clock set forward" if seconds > 0 else "clock set back"


def shown(ahead: int, now: float) -> int:
    """The time, in microseconds since 1970, when the steady clock is at so many seconds."""
    return ahead + int(now * MICROSECONDS)
