"""A client of the live connection, for tests: what it says and hears, as Python values."""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager, suppress
from typing import Any, TypeVar
from urllib.parse import urlencode
from uuid import uuid4

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from tests.service import Service

T = TypeVar("T")

SECONDS = 30  # nothing that a test waits for takes longer
SHOWN = 10


class Talk:
    """One open connection; a test fails, and says what was heard, that waits in vain."""

    def __init__(self, socket: ClientConnection, seconds: float = SECONDS) -> None:
        self.socket = socket
        self.seconds = seconds
        self._heard: deque[str | bytes] = deque(maxlen=SHOWN)

    async def say(self, type: str, **fields: object) -> None:
        """Send one message."""
        await self.socket.send(json.dumps({"type": type, **fields}))

    async def hear(self) -> Any:
        """The next message; fails when none comes."""
        text = await self._in_time(self.socket.recv(), "no further message")
        self._heard.append(text)
        return json.loads(text)

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
        await self._in_time(self.socket.wait_closed(), "no end of the connection")
        return self.socket.close_code

    async def _in_time(self, awaited: Awaitable[T], missing: str) -> T:
        try:
            async with asyncio.timeout(self.seconds):
                return await awaited
        except TimeoutError:
            heard = "\n".join(map(str, self._heard)) or "nothing"
            raise AssertionError(
                f"there was {missing} in {self.seconds} s; the last that was heard:\n{heard}"
            ) from None


@asynccontextmanager
async def talk(service: Service, **query: object) -> AsyncIterator[Talk]:
    """A connection whose address asks for this."""
    asked = f"?{urlencode(query)}" if query else ""
    async with connect(f"{service.ws}/api/v1/ws{asked}") as socket:
        yield Talk(socket)
