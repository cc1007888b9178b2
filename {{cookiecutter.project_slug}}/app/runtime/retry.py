"""Which failures are tried again, how often, and after how long."""

from dataclasses import dataclass
from random import Random

from app.core.ports import Unavailable
from app.core.rejected import Code, Rejected


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """Exponential backoff with full jitter; times are in seconds.

    What the outside cannot do just now may succeed later: by default it is given up after an hour
    or two. Any other failure is a mistake in the task or in what it was given, and would be the
    same each time.
    """

    attempts: int = 20
    first: float = 1.0
    longest: float = 900.0

    def is_retryable(self, fault: Exception) -> bool:
        """Whether another attempt can help; the network's and the system's errors are OSErrors."""
        if isinstance(fault, Rejected):
            return fault.code is Code.UNAVAILABLE
        return isinstance(fault, Unavailable | OSError)

    def seconds(self, attempt: int, chance: Random) -> float:
        """How long to wait after the attempt with this number, from 1."""
        doublings = min(attempt - 1, 100)  # a float has no room for much more than a thousand
        return chance.uniform(0, min(self.longest, self.first * 2.0**doublings))
