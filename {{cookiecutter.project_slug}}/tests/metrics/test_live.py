"""Metrics are told once in a while to whoever names them, and to nobody else."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families
from websockets.asyncio.client import connect

from tests.service import Service

pytestmark = pytest.mark.anyio


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    """A service that reports often."""
    running = Service(tmp_path, APP_METRICS_SECONDS="0.1").start()
    yield running
    running.kill()


async def test_whoever_names_metrics_hears_how_the_service_does(service: Service) -> None:
    async with (
        connect(f"{service.ws}/ws?user=bob") as unnamed,  # first, so that every report counts it
        connect(f"{service.ws}/ws?topics=metrics&user=ada&role=operator") as named,
        httpx.AsyncClient(base_url=service.url) as client,
    ):
        assert json.loads(await named.recv())["topics"] == ["metrics"]
        busiest = 0.0
        async with asyncio.timeout(10):
            while busiest == 0:
                for _ in range(5):
                    await client.get("/health")
                message = json.loads(await named.recv())
                measured = message["action"]["MetricsUpdated"]
                busiest = measured["requests_per_second"]
        await unnamed.send('{"type":"ping"}')
        first = json.loads(await unnamed.recv())

    assert set(measured) == {"timestamp", "active_users", "requests_per_second", "error_rate"}
    assert (measured["active_users"], measured["error_rate"]) == (2, 0.0)
    assert "seq" not in message, "what passes is not in the log"
    assert first == {"type": "pong"}


async def test_while_nobody_listens_nothing_is_reported(service: Service) -> None:
    async with connect(f"{service.ws}/ws?topics=jobs") as other:
        assert json.loads(await other.recv())["type"] == "subscribed"
        await asyncio.sleep(0.3)
        await other.send('{"type":"ping"}')

        assert json.loads(await other.recv()) == {"type": "pong"}


async def test_what_is_reported_is_what_the_metrics_have_counted(tmp_path: Path) -> None:
    """Requests, and the share of them that failed by the service's fault: it has no more room."""
    running = Service(tmp_path, APP_METRICS_SECONDS="0.2", APP_MAX_CONNECTIONS="1").start()
    reported = failed = 0.0
    try:
        async with (
            connect(f"{running.ws}/ws?topics=metrics") as named,
            httpx.AsyncClient(base_url=running.url) as client,
        ):

            async def measured() -> dict[str, float]:
                message: dict[str, dict[str, dict[str, float]]] = {"action": {}}
                while "MetricsUpdated" not in message["action"]:
                    message = json.loads(await named.recv())
                return message["action"]["MetricsUpdated"]

            await named.recv()
            before = await requests_counted(client)
            await measured()  # what came before is told: counting begins anew
            for number in range(200):
                await client.get("/health" if number % 4 else "/nowhere")
                if number % 4 == 0:
                    assert (await client.get("/api/v1/events")).status_code == 503
            async with asyncio.timeout(20):
                while reported < 250:
                    message = await measured()
                    reported += message["requests_per_second"] * 0.2
                    failed += message["requests_per_second"] * message["error_rate"] * 0.2
            after = await requests_counted(client)
    finally:
        running.kill()

    # The two looks at /metrics themselves may fall on either side.
    assert abs((after - before) - reported) <= 2
    assert failed == pytest.approx(50, abs=0.1)


async def requests_counted(client: httpx.AsyncClient) -> float:
    text = (await client.get("/metrics")).text
    return sum(
        sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name == "app_http_requests_total"
    )
