"""A token bucket for each of many names: `burst` at once, and `rate` a second after that."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from fractions import Fraction
from math import ceil

SECOND = 1_000_000_000
KEPT = 100_000


class Buckets:
    """The buckets that are not full; a full one equals a new one, and is forgotten.

    A bucket is one number, when it will be full again (the generic cell rate algorithm, ITU-T
    I.371, in whole nanoseconds, so that nothing is ever rounded in a sender's favour).
    """

    def __init__(
        self,
        rate: float,
        burst: int,
        clock: Callable[[], int] = time.monotonic_ns,
        *,
        kept: int = KEPT,
    ) -> None:
        """`clock` gives nanoseconds that never go back; of more than `kept` the oldest are lost."""
        self._token = ceil(SECOND / Fraction(rate))
        self._burst = burst * self._token
        self._clock = clock
        self._kept = kept
        # The one that was taken from last is last; a dict would search for its first.
        self._full_at: OrderedDict[str, int] = OrderedDict()

    def __len__(self) -> int:
        return len(self._full_at)

    def take(self, name: str) -> int:
        """Take a token: 0, or in how many nanoseconds there will be one; nothing is taken then."""
        now = self._clock()
        full_at = max(self._full_at.get(name, now), now) + self._token
        wait = full_at - now - self._burst
        if wait <= 0:
            self._full_at[name] = full_at
            self._full_at.move_to_end(name)
        self._forget(now)
        return max(wait, 0)

    def wait(self, name: str) -> int:
        """In how many nanoseconds there will be a token: 0 if there is one. Nothing is taken."""
        now = self._clock()
        full_at = max(self._full_at.get(name, now), now)
        return max(full_at + self._token - now - self._burst, 0)

    def spend(self, name: str, tokens: int) -> None:
        """Take so many, at least one, whether they are there or not: the next waits for longer."""
        now = self._clock()
        self._full_at[name] = max(self._full_at.get(name, now), now) + tokens * self._token
        self._full_at.move_to_end(name)
        self._forget(now)

    def _forget(self, now: int) -> None:
        """Forget the two oldest, if they are full, or too many: a take adds one at most."""
        for _ in range(2):
            oldest = next(iter(self._full_at))
            if self._full_at[oldest] > now and len(self._full_at) <= self._kept:
                return
            del self._full_at[oldest]
