"""The rules of metrics: what is reported is published at once, and never stored."""

from typing import Never, assert_never

from app.core.effects import Effects, Publish
from app.core.environment import Environment
from app.domain.metrics.actions import MetricsAction, MetricsEvent, MetricsUpdated, ReportMetrics
from app.domain.metrics.state import Metrics


def reduce(
    state: Metrics, action: MetricsAction, env: Environment
) -> tuple[Metrics, Effects[MetricsEvent, Never]]:
    """Decide a command, or apply an event."""
    match action:
        case ReportMetrics():
            return state, [Publish(measured(action, env))]

        case MetricsUpdated():
            return state, []

        case _:
            assert_never(action)


def measured(command: ReportMetrics, env: Environment) -> MetricsUpdated:
    """The measurement, as of now."""
    return MetricsUpdated(
        env.now(), command.active_users, command.requests_per_second, command.error_rate
    )
