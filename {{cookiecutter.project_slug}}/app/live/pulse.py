"""Reports how the service does, once in a while, and only while somebody listens."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from app.access.store import AppStore
from app.core.principal import SYSTEM
from app.domain.metrics.actions import ReportMetrics
from app.live.hub import Hub
from app.observe.traffic import Traffic


@asynccontextmanager
async def reporting(
    store: AppStore, hub: Hub, traffic: Traffic, seconds: float
) -> AsyncIterator[None]:
    """Dispatch a ReportMetrics every so many seconds, as long as the context lasts."""
    reporter = asyncio.create_task(_report(store, hub, traffic, seconds), name="metrics")
    try:
        yield
    finally:
        reporter.cancel()
        await asyncio.wait([reporter])


async def _report(store: AppStore, hub: Hub, traffic: Traffic, seconds: float) -> None:
    while True:
        await asyncio.sleep(seconds)
        asked, failed = traffic.taken()
        if hub.is_named("metrics"):
            report = ReportMetrics(
                active_users=hub.users(),
                requests_per_second=round(asked / seconds, 3),
                error_rate=failed / asked if asked else 0.0,
            )
            store.submit(report, by=SYSTEM)
