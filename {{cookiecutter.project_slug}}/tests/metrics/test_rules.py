"""The rules of metrics."""

from app.core.principal import Principal, Role
from app.domain.metrics.actions import MetricsUpdated, ReportMetrics, topic
from app.domain.metrics.state import Metrics, view
from tests.scenario import NOW, given

MEASURED = MetricsUpdated(NOW, 1234, 567.5, 0.01)


def test_what_is_reported_is_published_with_its_time_and_not_stored() -> None:
    given().when(ReportMetrics(1234, 567.5, 0.01)).then_published(MEASURED)


def test_a_measurement_leaves_the_state_alone_and_asks_for_nothing() -> None:
    assert given(MEASURED).state == given().state
    given().asks_for(MEASURED)


def test_metrics_are_heard_on_their_own_topic_from_the_next_measurement_on() -> None:
    assert topic(MEASURED) == "metrics"
    assert view(Metrics(), Principal("o", Role.OPERATOR)) == Metrics()
