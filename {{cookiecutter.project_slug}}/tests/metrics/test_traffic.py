"""What counts as asked of the service, and what as a failure of its own."""

import pytest

from app.observe.metrics import Metrics
from app.observe.traffic import Traffic


@pytest.mark.parametrize(
    ("status", "has_failed"), [(200, 0), (304, 0), (404, 0), (429, 0), (500, 1), (503, 1)]
)
def test_a_request_fails_by_a_status_of_500_or_more(status: int, has_failed: int) -> None:
    metrics = Metrics()
    metrics.request("GET", "/health", status, 0.001)

    assert metrics.asked() == (1, has_failed)


@pytest.mark.parametrize(
    ("outcome", "has_failed"),
    [("ok", 0), ("duplicate", 0), ("conflict", 0), ("internal", 1), ("unavailable", 1)],
)
def test_a_command_of_the_socket_fails_by_what_is_no_rule(outcome: str, has_failed: int) -> None:
    metrics = Metrics()
    metrics.command("RevokeTokens", "ws", outcome, 0.001)
    metrics.command("RevokeTokens", "http", outcome, 0.001)  # it is counted as a request

    assert metrics.asked() == (1, has_failed)


def test_each_look_at_the_traffic_tells_what_is_new() -> None:
    metrics = Metrics()
    metrics.request("GET", "/health", 503, 0.001)
    traffic = Traffic(metrics)
    for status in 200, 503, 500:
        metrics.request("GET", "/health", status, 0.001)

    assert [traffic.taken(), traffic.taken()] == [(3, 2), (0, 0)]
