"""Time that goes on at its pace and never back, whatever is done to the clock on the wall."""

import time
from collections.abc import Callable


def wall_clock() -> int:
    """The time in microseconds since 1970, UTC."""
    return time.time_ns() // 1000


class Clock:
    """Microseconds since 1970, UTC: the wall's, but never less than what was said before.

    When the wall clock is set forward, this one follows; when it is set back, this one goes on by
    the `steady` seconds that have passed, so that what waits for its time does not wait longer.
    """

    def __init__(self, wall: Callable[[], int], steady: Callable[[], float]) -> None:
        self._wall = wall
        self._steady = steady
        self._at = steady()
        self._time = wall()

    def not_before(self, moment: int) -> None:
        """Go on from this time, if it is later than now: the log has seen it."""
        self._time = max(self(), moment)

    def __call__(self) -> int:
        """The time now."""
        at = self._steady()
        passed = round((at - self._at) * 1_000_000)
        self._at = at
        self._time = max(self._time + passed, self._wall())
        return self._time
