"""One client's way out: a bounded outbox, written by one task, so that nobody waits for it."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.websockets import WebSocket, WebSocketDisconnect

SLOW_CONSUMER = 4008


class Connection:
    """What waits for one client. `write` never blocks; what overflows ends the connection."""

    def __init__(self, websocket: WebSocket, budget: int) -> None:
        """`budget` is in characters: what may wait before the client counts as too slow."""
        self._websocket = websocket
        self._budget = budget
        self._outbox: deque[str] = deque()
        self._buffered = 0
        self._wake = asyncio.Event()
        self.overflowed = False

    def write(self, text: str, *, first: bool = False) -> None:
        """Send this text after all that waits already, or before it."""
        if self.overflowed:
            return
        if first:
            self._outbox.appendleft(text)
        else:
            self._outbox.append(text)
        self._buffered += len(text)
        if self._buffered > self._budget:
            self.overflowed = True
            self._outbox.clear()
        self._wake.set()

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        """Send what is written, for as long as the context lasts."""
        writer = asyncio.create_task(self._send(), name="connection")
        try:
            yield
        finally:
            writer.cancel()
            await asyncio.wait([writer])

    async def _send(self) -> None:
        try:
            while not self.overflowed:
                await self._wake.wait()
                self._wake.clear()
                while self._outbox:
                    text = self._outbox.popleft()
                    await self._websocket.send_text(text)
                    self._buffered -= len(text)
            await self._websocket.close(SLOW_CONSUMER, "too slow: resume")
        except (WebSocketDisconnect, RuntimeError):
            return  # the client has gone; whoever reads from it hears so too
