"""How late the event loop is: while something holds it up, everybody waits."""

from contextlib import AbstractAsyncContextManager
from time import perf_counter

import structlog

from app.observe.beating import beating
from app.observe.metrics import Metrics

LOOK_SECONDS = 0.5
BLOCKED_SECONDS = 1.0

log = structlog.get_logger(__name__)


def measuring_lag(metrics: Metrics) -> AbstractAsyncContextManager[None]:
    """Measure it twice a second, as long as the context lasts."""
    looked = perf_counter()

    def look() -> None:
        nonlocal looked
        before, looked = looked, perf_counter()
        late = max(0.0, looked - before - LOOK_SECONDS)
        metrics.lag(late)
        if late >= BLOCKED_SECONDS:
            log.warning("the event loop was held up", seconds=round(late, 3))

    return beating("event-loop lag", LOOK_SECONDS, look)
