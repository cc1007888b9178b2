"""Series of metrics: found by their labels without a search, or read when they are asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Generic, Literal, NamedTuple, TypeAlias, TypeVar

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics import MetricWrapperBase
from prometheus_client.registry import Collector

Metric = TypeVar("Metric", bound=MetricWrapperBase)

# What the gauges of several living processes are together.
Together: TypeAlias = Literal["livesum", "livemax", "livemin"]


class Children(dict[tuple[str, ...], Metric], Generic[Metric]):
    """A metric by the values of its labels: each is looked for in the library but once."""

    def __init__(self, metric: Metric) -> None:
        super().__init__()
        self._metric = metric

    def __missing__(self, labels: tuple[str, ...]) -> Metric:
        child = self[labels] = self._metric.labels(*labels) if labels else self._metric
        return child


class Reading(NamedTuple):
    """A gauge whose value is looked at when somebody asks."""

    name: str
    description: str
    read: Callable[[], float]
    together: Together = "livesum"


class Gauges(Collector):
    """Gauges that are read when they are asked for."""

    def __init__(self, readings: Sequence[Reading]) -> None:
        self._readings = readings

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """The values of now."""
        for each in self._readings:
            yield GaugeMetricFamily(each.name, each.description, value=each.read())
