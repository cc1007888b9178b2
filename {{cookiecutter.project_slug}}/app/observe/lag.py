"""How late the event loop is: while something holds it up, everybody waits."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from time import perf_counter

import structlog

from app.observe.metrics import Metrics

LOOK_SECONDS = 0.25
BLOCKED_SECONDS = 1.0

log = structlog.get_logger(__name__)


@asynccontextmanager
async def measuring_lag(metrics: Metrics) -> AsyncIterator[None]:
    """Measure it a few times a second, as long as the context lasts."""
    measuring = asyncio.create_task(_measure(metrics), name="event-loop lag")
    try:
        yield
    finally:
        measuring.cancel()
        await asyncio.wait([measuring])


async def _measure(metrics: Metrics) -> None:
    while True:
        began = perf_counter()
        await asyncio.sleep(LOOK_SECONDS)
        late = max(0.0, perf_counter() - began - LOOK_SECONDS)
        metrics.lag(late)
        if late >= BLOCKED_SECONDS:
            log.warning("the event loop was held up", seconds=round(late, 3))
