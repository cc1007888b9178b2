"""What is measured of the service, and told to whoever listens.

Class names are wire names: rename with care.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, TypeAlias

from annotated_types import Ge, Le

Count: TypeAlias = Annotated[int, Ge(0)]
Rate: TypeAlias = Annotated[float, Ge(0), Le(1e9)]
Share: TypeAlias = Annotated[float, Ge(0), Le(1)]

# Commands of the service's own: no client can send them.


@dataclass(frozen=True, slots=True)
class ReportMetrics:
    """Tell what was measured; `error_rate` is the share of requests that failed."""

    active_users: Count
    requests_per_second: Rate
    error_rate: Share


# Events: what happened.


@dataclass(frozen=True, slots=True)
class MetricsUpdated:
    """The service was measured: an ephemeral fact, never stored, for the next one replaces it."""

    timestamp: datetime
    active_users: Count
    requests_per_second: Rate
    error_rate: Share


MetricsSystemCommand: TypeAlias = ReportMetrics
MetricsEvent: TypeAlias = MetricsUpdated
MetricsAction: TypeAlias = MetricsSystemCommand | MetricsEvent


def topic(event: MetricsEvent) -> str:
    """Who may hear this: whoever may see how the service fares."""
    return "metrics"
