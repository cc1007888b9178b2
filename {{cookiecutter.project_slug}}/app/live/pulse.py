"""Reports how the service does, once in a while, and only while somebody listens."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from app.core.principal import SYSTEM
from app.domain.metrics.actions import ReportMetrics
from app.live.session import Live
from app.observe.traffic import Traffic


@asynccontextmanager
async def reporting(live: Live, traffic: Traffic) -> AsyncIterator[None]:
    """Dispatch a ReportMetrics once in a while, as long as the context lasts."""
    reporter = asyncio.create_task(_report(live, traffic), name="metrics")
    try:
        yield
    finally:
        reporter.cancel()
        await asyncio.wait([reporter])


async def _report(live: Live, traffic: Traffic) -> None:
    seconds = live.settings.metrics_seconds
    while True:
        await asyncio.sleep(seconds)
        asked, failed = traffic.taken()
        if live.hub.is_named("metrics") or live.store.is_named("metrics"):
            report = ReportMetrics(
                active_users=live.sessions.users(),
                requests_per_second=round(asked / seconds, 3),
                error_rate=failed / asked if asked else 0.0,
            )
            live.store.submit(report, by=SYSTEM)
