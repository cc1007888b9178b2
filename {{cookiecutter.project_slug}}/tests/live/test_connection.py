"""What waits for one client is bounded, and no client waits for another."""

import asyncio
from typing import Any

import pytest
from starlette.websockets import WebSocket

from app.core.principal import Principal, Role
from app.live.connection import SLOW_CONSUMER, Connection
from app.live.hub import Audience, Hub

pytestmark = pytest.mark.anyio


class Client:
    """A WebSocket whose reader can be held up."""

    def __init__(self) -> None:
        self.reads = asyncio.Event()
        self.sent: list[Any] = []
        self.websocket = WebSocket({"type": "websocket"}, self._receive, self._send)

    async def accepted(self) -> "Client":
        """Go through the handshake."""
        self.reads.set()
        await self.websocket.accept()
        self.sent.clear()
        return self

    async def _receive(self) -> Any:
        return {"type": "websocket.connect"}

    async def _send(self, message: Any) -> None:
        await self.reads.wait()
        self.sent.append(message.get("text", message.get("code")))


async def turns(number: int = 20) -> None:
    for _ in range(number):
        await asyncio.sleep(0)


async def test_messages_leave_in_order_and_a_pong_goes_first() -> None:
    client = await Client().accepted()
    connection = Connection(client.websocket, 1000)
    async with connection.open():
        connection.write("a")
        connection.write("b")
        connection.write("pong", first=True)
        await turns()

    assert client.sent == ["pong", "a", "b"]


async def test_a_client_that_is_too_slow_is_closed_and_nothing_more_is_kept_for_it() -> None:
    client = await Client().accepted()
    client.reads.clear()
    connection = Connection(client.websocket, 100)
    async with connection.open():
        for _ in range(1000):
            connection.write("0123456789")
        await turns()
        kept = len(connection._outbox)
        client.reads.set()
        await turns()

    assert kept == 0
    assert client.sent[-1] == SLOW_CONSUMER


async def test_a_client_that_keeps_up_is_never_over_its_budget() -> None:
    client = await Client().accepted()
    connection = Connection(client.websocket, 100)
    async with connection.open():
        for _ in range(100):
            connection.write("0123456789")
            await turns(3)

    assert len(client.sent) == 100
    assert not connection.overflowed


async def test_a_connection_leaves_the_hub_when_it_ends() -> None:
    hub, client = Hub(), await Client().accepted()
    connection = Connection(client.websocket, 100)

    with hub.joined(connection, Audience(Principal("a", Role.CUSTOMER), None)):
        assert len(hub._connections) == 1

    assert len(hub._connections) == 0
