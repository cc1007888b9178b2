"""Metrics are told once in a while to whoever names them, and to nobody else."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
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
        connect(f"{service.ws}/ws?topics=metrics&user=ada&role=operator") as named,
        connect(f"{service.ws}/ws?user=bob") as unnamed,
        httpx.AsyncClient(base_url=service.url) as client,
    ):
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
        await asyncio.sleep(0.3)
        await other.send('{"type":"ping"}')

        assert json.loads(await other.recv()) == {"type": "pong"}
