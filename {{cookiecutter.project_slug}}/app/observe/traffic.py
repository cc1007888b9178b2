"""What was asked of the service at both doors since it was last looked at."""

from app.observe.metrics import Metrics


class Traffic:
    """Requests and commands, and the failures among them, from what the metrics have counted."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self._taken = metrics.asked()

    def taken(self) -> tuple[int, int]:
        """How many were asked for since the last time, and how many failed by our fault."""
        before, self._taken = self._taken, self._metrics.asked()
        return self._taken[0] - before[0], self._taken[1] - before[1]
