"""How long a client that offends again and again is put up with."""

from __future__ import annotations

import math
from typing import NamedTuple

from app.live import closing
from app.live.closing import Goodbye

INVALID_IN_A_ROW = 20
LIMITED_IN_A_ROW = 100
PAUSE_SECONDS = 1.0  # without a refusal, and a row of them has ended


class Patience(NamedTuple):
    """What one client has done of late; a value, so that all who have done nothing share one."""

    invalid: int = 0
    limited: int = 0
    limited_at: float = -math.inf

    def after_valid(self) -> Patience:
        """It has sent a message that could be read."""
        return self._replace(invalid=0) if self.invalid else self

    def after_invalid(self) -> Patience:
        """It has sent one that could not be."""
        return self._replace(invalid=self.invalid + 1)

    def after_limited(self, now: float) -> Patience:
        """It was too fast, at this second of a clock that is never set.

        What is done between does not end a row: a flood has a few of them, at the rate that it may.
        """
        is_in_a_row = now - self.limited_at < PAUSE_SECONDS
        return self._replace(limited=self.limited + 1 if is_in_a_row else 1, limited_at=now)

    @property
    def end(self) -> Goodbye | None:
        """What the client is told when there is no patience left."""
        if self.invalid >= INVALID_IN_A_ROW:
            return Goodbye(closing.TOO_MANY_INVALID, "too many invalid messages")
        if self.limited >= LIMITED_IN_A_ROW:
            return Goodbye(closing.TOO_FAST, "too fast, again and again: come back slower")
        return None


UNTRIED = Patience()
