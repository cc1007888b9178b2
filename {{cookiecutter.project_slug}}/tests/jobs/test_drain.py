"""A stop lets the batch that is under way end, and tells everybody what came of it."""

import asyncio
import json
import signal
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.live.test_drain import is_listening
from tests.service import Service
from tests.talk import talk

pytestmark = pytest.mark.anyio


async def test_what_is_under_way_ends_and_is_told_before_everybody_is_sent_away(
    service: Service,
) -> None:
    async with (
        talk(service, topics="jobs") as client,
        httpx.AsyncClient(base_url=service.url) as other,
    ):
        action = {"StartBatch": {"total_items": 300}}
        assert (await other.post("/api/v1/commands", json=action)).status_code == 200
        stopping = asyncio.create_task(asyncio.to_thread(service.stop))
        heard = await client.rest()
        status = await stopping

        assert await client.closed() == 1012
    names = [next(iter(message["action"])) for message in heard if message["type"] == "event"]
    assert (names[0], names[-1]) == ("BatchProcessStarted", "BatchProcessCompleted")
    assert status == 0


async def test_while_it_stops_who_is_connected_is_told_so_and_nobody_else_is_let_in(
    tmp_path: Path,
) -> None:
    service = Service(tmp_path, APP_DRAIN_SECONDS="60").start()
    kept = HTTPConnection("127.0.0.1", service.port, timeout=30)
    try:
        assert ask(kept, "GET", "/health/ready") == (200, "ready")
        long = {"StartBatch": {"total_items": 100_000}}
        assert ask(kept, "POST", "/api/v1/commands", long) == (200, None)
        socket = kept.sock
        assert service.process is not None
        service.process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(30):
            while is_listening(service.port):  # noqa: ASYNC110 - another process decides
                await asyncio.sleep(0.02)

        for _ in range(2):  # the first one is not the last
            assert ask(kept, "GET", "/health/ready") == (503, "stopping")
            assert ask(kept, "POST", "/api/v1/commands", long) == (503, "unavailable")
        assert ask(kept, "GET", "/health") == (200, "ok")
        assert kept.sock is socket, "it was asked on one connection"
        service.process.send_signal(signal.SIGTERM)
        assert await asyncio.to_thread(service.process.wait, 30) == 0
    finally:
        kept.close()
        service.kill()


def ask(kept: HTTPConnection, method: str, path: str, body: object = None) -> tuple[int, Any]:
    """What is answered on this connection: its status, and what it says of the service."""
    sent = None if body is None else json.dumps(body)
    kept.request(method, path, sent, {"Content-Type": "application/json"})
    answer = kept.getresponse()
    text = answer.read().decode()
    if not text.startswith("{"):
        return answer.status, text
    said = json.loads(text)
    return answer.status, said.get("status") or said.get("code")
