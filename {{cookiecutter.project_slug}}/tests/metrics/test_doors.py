"""Metrics at the doors: nobody but the service reports them."""

import httpx
import pytest

pytestmark = pytest.mark.anyio

REPORT = {"active_users": 1, "requests_per_second": 2.0, "error_rate": 0.0}


@pytest.mark.parametrize("name", ["ReportMetrics", "MetricsUpdated"])
async def test_no_client_can_report_metrics(http: httpx.AsyncClient, name: str) -> None:
    answer = await http.post("/api/v1/commands", json={name: REPORT})

    assert (answer.status_code, answer.json()["code"]) == (422, "invalid")
    assert f"unknown action '{name}'" in answer.json()["message"]


async def test_metrics_are_no_part_of_what_a_client_starts_from(http: httpx.AsyncClient) -> None:
    snapshot = (await http.get("/api/v1/snapshot?topics=metrics")).json()

    assert snapshot["state"] == {"metrics": {}}
