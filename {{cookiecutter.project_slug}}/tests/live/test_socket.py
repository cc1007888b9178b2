"""The live connection of the real service, whatever its features."""

import asyncio
import json
from pathlib import Path
from time import monotonic
from typing import Any

import httpx
import pytest
from starlette.types import Message
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidStatus

from app.bootstrap import create_app
from tests.access.keys import settings_of
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


@pytest.mark.parametrize("path", ["/ws", "/api/v1/ws"])
async def test_who_asks_for_it_without_an_upgrade_is_told_what_a_proxy_has_to_pass_on(
    shared_service: Service, path: str
) -> None:
    async with httpx.AsyncClient(base_url=shared_service.url) as client:
        answer = await client.get(path)

    assert (answer.status_code, answer.headers["upgrade"]) == (426, "websocket")
    assert answer.json() == {
        "type": "error",
        "code": "invalid",
        "message": "this address speaks WebSocket, and no Upgrade header has arrived: behind a "
        "proxy, have it pass `Upgrade` and `Connection` on, with HTTP/1.1",
    }


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
    "a number without an end": ('{"type":"command","id":' + "9" * 5000 + "}", "Invalid"),
    "half a character for an id": ('{"type":"command","id":"\\ud83d","action":{}}', "Invalid"),
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


async def test_a_ping_is_answered_at_once_and_before_an_event_that_is_held_back(
    tmp_path: Path,
) -> None:
    service = Service(tmp_path, APP_FLUSH_MILLISECONDS="1000").start()
    try:
        async with (
            connect(f"{service.ws}/ws") as ws,
            httpx.AsyncClient(base_url=service.url, timeout=30) as client,
        ):
            for _ in range(5):  # a busy machine may ask too late
                await client.post("/api/v1/commands", json={"RevokeTokens": {"user_id": "ada"}})
                asked = monotonic()
                await say(ws, {"type": "ping"})
                first = await hear(ws)
                took = monotonic() - asked
                then = await hear(ws)
                if first == {"type": "pong"} and took < 0.1:
                    break
    finally:
        service.kill()

    assert (first, then["type"]) == ({"type": "pong"}, "event")
    assert took < 0.1


# What JSON allows, or some programs write, and no command has.
ODD = {
    "an unknown action": '{"Fly":{}}',
    "no number": '{"RevokeTokens":{"user_id":NaN}}',
    "half a character": '{"RevokeTokens":{"user_id":"\\ud83d"}}',
    "a number beyond all bounds": '{"RevokeTokens":{"user_id":' + "9" * 4000 + "}" + "}",
    "deep nesting": "[" * 500 + "]" * 500,
}


@pytest.mark.parametrize("what", ODD)
async def test_an_error_names_the_message_it_is_about(shared_service: Service, what: str) -> None:
    async with connect(f"{shared_service.ws}/ws") as ws:
        await say(ws, '{"type":"command","id":"mine","action":' + ODD[what] + "}")

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


async def test_whoever_is_gone_before_it_is_let_in_takes_nobodys_place() -> None:
    app = create_app(settings_of())
    scope = {"type": "websocket", "scheme": "ws", "path": "/ws", "query_string": b"", "headers": []}

    async def receive() -> Message:
        return {"type": "websocket.connect"}

    async def send(message: Message) -> None:
        raise OSError("it is gone")

    async with app.router.lifespan_context(app):
        with pytest.raises(OSError, match="it is gone"):
            await app(scope, receive, send)

        assert app.state.limits.connections == 0
