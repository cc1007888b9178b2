"""How long is waited, and for what."""

from __future__ import annotations

from dataclasses import dataclass

from .ending import CloseCode

MOST_DOUBLINGS = 30


@dataclass(frozen=True, slots=True)
class Timing:
    """Seconds: of pauses before a connection is made anew, and of what is waited for."""

    first_delay: float = 1
    longest_delay: float = 30
    drain_delay: float = 5
    connect_within: float = 15
    stable_after: float = 10
    ping_after: float = 25
    pong_within: float = 10
    renew_before: float = 30

    def pause(self, failures: int, code: int) -> float:
        """The longest pause after so many failures; a stop sends everybody away at once."""
        pause = min(self.longest_delay, self.first_delay * 2.0 ** min(failures, MOST_DOUBLINGS))
        is_crowd = code in (CloseCode.GOING_AWAY, CloseCode.DRAINING)
        return max(pause, self.drain_delay) if is_crowd else pause


USUAL = Timing()
