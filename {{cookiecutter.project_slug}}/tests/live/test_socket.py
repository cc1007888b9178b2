"""The live connection of the real service, whatever its features."""

import asyncio
import json
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidStatus

from tests.service import Service

pytestmark = pytest.mark.anyio


async def say(ws: ClientConnection, message: object) -> None:
    await ws.send(message if isinstance(message, str | bytes) else json.dumps(message))


async def hear(ws: ClientConnection) -> Any:
    return json.loads(await asyncio.wait_for(ws.recv(), 30))


@pytest.mark.parametrize("path", ["/ws", "/api/v1/ws"])
async def test_a_ping_is_answered_at_both_addresses(service: Service, path: str) -> None:
    async with connect(f"{service.ws}{path}") as ws:
        await say(ws, {"type": "ping"})
        assert await ws.recv() == '{"type":"pong"}'


@pytest.mark.parametrize("path", ["/", "/ws/", "/websocket"])
async def test_who_looks_for_it_elsewhere_is_told_where_it_is(
    shared_service: Service, path: str
) -> None:
    with pytest.raises(InvalidStatus) as refused:
        async with connect(f"{shared_service.ws}{path}"):
            pass

    said = json.loads(refused.value.response.body)
    assert refused.value.response.status_code == 404
    assert said["code"] == "not_found"
    assert said["message"] == f"there is no WebSocket at {path}: it is at /api/v1/ws"


BAD = {
    "invalid JSON": ('{"type":', "Invalid JSON format"),
    "a binary frame": (b"{}", "binary"),
    "an array": ("[]", "Input should be an object"),
    "no type": ("{}", "missing required field 'type'"),
    "an unknown type": ('{"type":"shout"}', "unknown type 'shout'"),
    "no action": ('{"type":"command"}', "missing required field 'action'"),
    "an unknown action": ('{"type":"command","action":{"Fly":{}}}', "unknown action 'Fly'"),
    "two actions": ('{"type":"command","action":{"A":{},"B":{}}}', "expected one action, got 2"),
    "an empty action": ('{"type":"command","action":{}}', "expected one action, got none"),
    "an extra field": ('{"type":"ping","x":1}', "unknown field 'x'"),
    "an event": ('{"type":"event","action":{}}', "unknown type 'event'"),
    "an empty id": ('{"type":"command","id":"","action":{}}', "Invalid"),
    "deep nesting": ('{"type":"command","action":' + "[" * 5000 + "]" * 5000 + "}", "Invalid"),
    "a lone surrogate": ('{"type":"\\ud800"}', "Invalid"),
}


@pytest.mark.parametrize("what", BAD)
async def test_a_bad_message_costs_an_error_and_not_the_connection(
    shared_service: Service, what: str
) -> None:
    message, words = BAD[what]
    url = f"{shared_service.ws}/ws"
    async with connect(url) as ws, connect(url) as other:
        await say(ws, message)
        error = await hear(ws)
        await say(ws, {"type": "ping"})
        await say(other, {"type": "ping"})

        assert error["type"] == "error"
        assert error["code"] == "invalid"
        assert words in error["message"]
        assert await hear(ws) == {"type": "pong"}
        assert await hear(other) == {"type": "pong"}, "an error is its sender's alone"


async def test_an_error_names_the_message_it_is_about(service: Service) -> None:
    async with connect(f"{service.ws}/ws") as ws:
        await say(ws, {"type": "command", "id": "mine", "action": {"Fly": {}}})

        assert (await hear(ws))["id"] == "mine"


async def test_a_message_that_is_too_big_ends_the_connection_with_1009(
    shared_service: Service,
) -> None:
    async with connect(f"{shared_service.ws}/ws") as ws:
        await say(ws, " " * 70_000)
        await ws.wait_closed()

        assert ws.close_code == 1009


async def test_a_stop_says_goodbye_and_is_a_success(service: Service) -> None:
    async with connect(f"{service.ws}/ws") as ws:
        status = service.stop()
        await ws.wait_closed()

        assert ws.close_code == 1012
        assert status == 0
