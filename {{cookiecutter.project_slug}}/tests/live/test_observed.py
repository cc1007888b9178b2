"""What goes over a connection is counted, and has its line when it is over."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families
from websockets.asyncio.client import connect

from tests.access.keys import SECRET, signed
from tests.service import Service

pytestmark = pytest.mark.anyio

COMMAND = {"RevokeTokens": {"user_id": "carol"}}
ADA = {"Authorization": f"Bearer {signed(sub='ada', role='operator')}", "X-Correlation-ID": "c-1"}


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    """A service as in production, with everything that it has to say."""
    running = Service(tmp_path, APP_ENV="production", APP_JWT_SECRET=SECRET, APP_LOG_LEVEL="debug")
    yield running.start()
    running.kill()


async def counted(service: Service) -> dict[tuple[str, ...], float]:
    """Every sample of messages, connections and resumes, by the values of its labels."""
    async with httpx.AsyncClient(base_url=service.url) as http:
        families = text_string_to_metric_families((await http.get("/metrics")).text)
    return {
        (sample.name, *(sample.labels[name] for name in sorted(sample.labels))): sample.value
        for family in families
        for sample in family.samples
    }


def said(service: Service, event: str) -> list[dict[str, Any]]:
    """What it has said about something, once it has stopped."""
    service.stop()
    lines = [json.loads(line) for line in service.words().splitlines()]
    return [line for line in lines if line["event"] == event]


async def test_messages_are_counted_by_direction_and_type(service: Service) -> None:
    async with (
        connect(f"{service.ws}/ws", additional_headers=ADA) as socket,
        connect(f"{service.ws}/ws", additional_headers=ADA) as other,
    ):
        command = json.dumps({"type": "command", "id": "1", "action": COMMAND})
        for message in command, "nonsense", '{"type":"ping"}', '{"type":"ping"}':
            await socket.send(message)
        heard = [await socket.recv() for _ in range(5)]
        event = await other.recv()
        during = await counted(service)

    assert during["app_messages_total", "in", "command"] == 1
    assert during["app_messages_total", "in", "invalid"] == 1
    assert during["app_messages_total", "in", "ping"] == 2
    assert during["app_messages_total", "out", "event"] == 2
    assert during["app_messages_total", "out", "ack"] == 1
    assert during["app_messages_total", "out", "error"] == 1
    assert during["app_messages_total", "out", "pong"] == 2
    assert during["app_message_bytes_total", "out"] == sum(map(len, [*heard, event]))
    assert (during["app_connections_opened_total",], during["app_connections",]) == (2, 2)
    assert during["app_queued_bytes",] == 0
    assert during["app_performs_effects",] == 1


async def test_a_connection_has_its_line_with_its_close_code_when_it_is_over(
    service: Service,
) -> None:
    async with connect(f"{service.ws}/ws", additional_headers=ADA) as socket:
        command = json.dumps({"type": "command", "id": "1", "action": COMMAND})
        await socket.send(command)
        heard = [await socket.recv(), await socket.recv()]
        await socket.close(1001)
    async with connect(f"{service.ws}/ws", additional_headers=ADA) as socket:
        await socket.close(4999)
    while (after := await counted(service))["app_connections",]:
        pass
    first, _ = said(service, "connection")

    assert after["app_connections_closed_total", "1001"] == 1
    assert after["app_connections_closed_total", "other"] == 1
    assert (first["by"], first["role"], first["code"]) == ("ada", "operator", 1001)
    assert (first["messages_in"], first["messages_out"]) == (1, 2)
    assert (first["bytes_in"], first["bytes_out"]) == (len(command), sum(map(len, heard)))
    assert first["address"].startswith("127.")
    assert first["seconds"] > 0


async def test_the_lines_of_one_connection_have_one_correlation_id(service: Service) -> None:
    async with connect(f"{service.ws}/ws", additional_headers=ADA) as socket:
        await socket.send(json.dumps({"type": "command", "id": "1", "action": COMMAND}))
        while json.loads(await socket.recv())["type"] != "ack":
            pass
    events = "command", "message in", "message out", "connection"
    lines = {event: said(service, event) for event in events} if not service.stop() else {}

    assert all(lines.values())
    assert {line["correlation_id"] for found in lines.values() for line in found} == {"c-1"}
    assert [line["type"] for line in lines["message out"]] == ["event", "ack"]
    assert lines["message in"][0]["action"] == "RevokeTokens"


async def test_who_comes_back_is_counted_by_where_what_was_missed_is(tmp_path: Path) -> None:
    running = Service(tmp_path, APP_RING_EVENTS="2", APP_RESUME_EVENTS="5").start()
    try:
        async with httpx.AsyncClient(base_url=running.url) as http:
            for _ in range(9):
                await http.post("/api/v1/commands", json=COMMAND)
            epoch = (await http.get("/health/ready")).json()["epoch"]
        for since in 9, 8, 5, 1:
            async with connect(f"{running.ws}/ws?since={since}&epoch={epoch}") as socket:
                assert json.loads(await socket.recv())["type"] == "subscribed"
        after = await counted(running)
    finally:
        running.kill()

    assert after["app_resumes_total", "ring"] == 2
    assert after["app_resumes_total", "log"] == 1
    assert after["app_resumes_total", "miss"] == 1
