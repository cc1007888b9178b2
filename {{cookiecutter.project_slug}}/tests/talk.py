"""A client of the live connection, for tests: what it says and hears, as Python values."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from tests.service import Service


class Talk:
    """One open connection."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket

    async def say(self, type: str, **fields: object) -> None:
        """Send one message."""
        await self.socket.send(json.dumps({"type": type, **fields}))

    async def hear(self) -> Any:
        """The next message."""
        return json.loads(await self.socket.recv())

    async def heard(self) -> list[Any]:
        """Everything that was said to this client before it asks."""
        await self.say("ping")
        messages = []
        while (message := await self.hear()) != {"type": "pong"}:
            messages.append(message)
        return messages

    async def command(self, action: object, id: str | None = None) -> list[Any]:
        """Give a command: everything that is heard until it is acknowledged or refused."""
        given = id or str(uuid4())
        await self.say("command", action=action, id=given)
        messages = [await self.hear()]
        while messages[-1].get("id") != given:
            messages.append(await self.hear())
        return messages

    async def rest(self) -> list[Any]:
        """Everything that is heard until the connection is closed."""
        messages = []
        with suppress(ConnectionClosed):
            while True:
                messages.append(await self.hear())
        return messages

    async def closed(self) -> int | None:
        """The code with which the service ends the connection."""
        await self.socket.wait_closed()
        return self.socket.close_code


@asynccontextmanager
async def talk(service: Service, **query: object) -> AsyncIterator[Talk]:
    """A connection whose address asks for this."""
    asked = f"?{urlencode(query)}" if query else ""
    async with connect(f"{service.ws}/api/v1/ws{asked}") as socket:
        yield Talk(socket)
