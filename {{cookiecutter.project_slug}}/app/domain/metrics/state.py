"""Nothing: a measurement is ephemeral, and the next one is soon there."""

from dataclasses import dataclass

from app.core.principal import Principal


@dataclass(frozen=True, slots=True)
class Metrics:
    """Metrics leave no trace in the State."""


def view(metrics: Metrics, principal: Principal) -> Metrics:
    """What a client starts from: nothing, until the next measurement."""
    return metrics
