"""Ordinary ASGI messages on a connection of ours, for a route that knows nothing of it."""

import asyncio
from typing import Any

from websockets.frames import Frame, Opcode

from app.live.transport import DirectConnection


class PlainAsgi:
    """What a route receives and sends in the terms of ASGI; the receiver of its connection."""

    def __init__(self, connection: DirectConnection) -> None:
        self._connection = connection
        self._queue: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._room = asyncio.Event()
        self._is_over = False
        connection.serve(self)

    async def receive(self) -> dict[str, Any]:
        """The next message, or that it is over."""
        if self._queue.empty():
            self._connection.resume_reading()
        return await self._queue.get()

    async def send(self, message: Any) -> None:
        """Send a message or a goodbye, as soon as the client takes what was sent before."""
        while self._connection.blocked is not None and not self._is_over:
            self._room.clear()
            await self._room.wait()
        if self._is_over:
            raise ConnectionResetError("the client has gone")
        match message:
            case {"type": "websocket.close"}:
                code, reason = message.get("code", 1000), message.get("reason") or ""
                self._connection.close(code, reason)
            case {"type": "websocket.send", "text": str(text)}:
                self._connection.send(Frame(Opcode.TEXT, text.encode()).serialize(mask=False))
            case {"type": "websocket.send", "bytes": bytes(data)}:
                self._connection.send(Frame(Opcode.BINARY, data).serialize(mask=False))
            case _:
                raise RuntimeError(f"after websocket.accept, {message['type']} says nothing")

    def received(self, message: str | bytes) -> None:
        """One message; no other one is taken before it is."""
        key = "text" if isinstance(message, str) else "bytes"
        self._queue.put_nowait({"type": "websocket.receive", key: message})
        self._connection.pause_reading()

    def writable(self) -> None:
        """There is room again."""
        self._room.set()

    def closed(self, code: int) -> None:
        """It is over."""
        self._is_over = True
        self._room.set()
        self._queue.put_nowait({"type": "websocket.disconnect", "code": code, "reason": ""})
