"""Reports how the service does, while somebody listens."""

from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager
from functools import partial

from app.core.principal import SYSTEM
from app.domain.metrics.actions import ReportMetrics
from app.live.live import Live
from app.observe.beating import beating
from app.observe.traffic import Traffic

TRAFFIC = "traffic"
FORGOTTEN_SECONDS = 3.0  # after which what another node has said counts no more


def reporting(live: Live) -> AbstractAsyncContextManager[None]:
    """Dispatch a ReportMetrics once in a while, as long as the context lasts.

    Each node lets the others know what it has counted, and tells its own clients the sum.
    """
    seconds = live.settings.metrics_seconds
    return beating("metrics", seconds, partial(_report, live, Traffic(live.metrics), seconds))


def _report(live: Live, traffic: Traffic, seconds: float) -> None:
    own = [live.limits.principals, *(count / seconds for count in traffic.taken())]
    live.store.reports.say(TRAFFIC, own)
    if live.hub.is_named("metrics") or live.store.is_named("metrics"):
        kept = FORGOTTEN_SECONDS * max(1.0, seconds)
        users, asked, failed = _sums(own, live.store.reports.of_others(TRAFFIC, kept))
        report = ReportMetrics(
            active_users=int(users),
            requests_per_second=round(asked, 3),
            error_rate=failed / asked if asked else 0.0,
        )
        live.store.submit(report, by=SYSTEM)


def _sums(own: list[float], others: list[list[float]]) -> Iterator[float]:
    """Users who are connected, once for each node; requests, and failures, in a second."""
    return map(sum, zip(own, *others, strict=False))
