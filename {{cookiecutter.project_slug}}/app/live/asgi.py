"""A client's connection on any ASGI server: an outbox that is bounded, and two tasks."""

from __future__ import annotations

import asyncio
import math
from collections import deque
from collections.abc import Awaitable, Callable, Iterator
from typing import Any, Protocol

import structlog
from starlette.types import Scope
from starlette.websockets import WebSocketDisconnect

from app.live import closing
from app.live.message import Outgoing
from app.live.port import FAR_END, GRACE_SECONDS, FarEnd, Receiver

log = structlog.get_logger(__name__)


class Client(Protocol):
    """Somebody who is connected, in the terms of ASGI: a WebSocket of Starlette's, or another."""

    @property
    def scope(self) -> Scope:
        """What the server says of it."""

    def receive(self) -> Awaitable[Any]:
        """What comes from it."""

    def send(self, message: Any, /) -> Awaitable[None]:
        """Send it something; it may have to wait."""


class AsgiConnection:
    """A WebSocket that has been accepted; it lasts for as long as `serve` is awaited."""

    def __init__(self, client: Client, budget: int) -> None:
        """`budget` is in bytes: what may wait before the client counts as too slow."""
        self._client = client
        self._far_end: FarEnd | None = client.scope.get("extensions", {}).get(FAR_END)
        self._budget = budget
        self._loop = asyncio.get_running_loop()
        self._outbox: deque[Outgoing] = deque()
        self._wake = asyncio.Event()
        self._may_read = asyncio.Event()
        self._may_read.set()
        self._goodbye: tuple[int, str] | None = None
        self._cutoff: asyncio.TimerHandle | None = None
        self._reader: asyncio.Task[int] | None = None
        self.buffered = 0
        self.blocked: float | None = None

    @property
    def heard(self) -> float:
        """When the client was last heard of, if the server says so."""
        return math.inf if self._far_end is None else self._far_end.heard

    async def serve(self, receiver: Receiver) -> None:
        """Tell the receiver what happens, until it is over; raises what reading from it raised."""
        reader = self._reader = asyncio.create_task(self._read(receiver), name="reading")
        writer = asyncio.create_task(self._write(receiver), name="writing")
        try:
            await asyncio.wait([reader])  # it ends when the client is gone, or with abort()
        finally:
            reader.cancel()
            writer.cancel()
            await asyncio.wait([reader, writer])
            self._reader = None  # what cancelled it has its frame, and that has this: a circle
            if self._cutoff is not None:
                self._cutoff.cancel()
            fault = None if reader.cancelled() else reader.exception()
            said = closing.LOST if fault or reader.cancelled() else reader.result()
            code, _ = self._goodbye = self._goodbye or (said, "")
            self._outbox.clear()
            self._tell(receiver.closed, code)
        if fault:
            raise fault

    def write(self, message: Outgoing) -> None:
        """Send it after all that was written before."""
        if self._goodbye is not None:
            return
        self._outbox.append(message)
        self.buffered += len(message)
        if self.buffered > self._budget:
            self.buffered -= sum(map(len, self._outbox))
            self._outbox.clear()
            self.close(closing.TOO_SLOW, "too slow: resume")
        self._wake.set()

    def ping(self) -> None:
        """Ask whether it is there, unless the server does; one that takes nothing cannot answer."""
        if self._far_end is not None and self.blocked is None:
            self._far_end.ping()

    def pause_reading(self) -> None:
        """Take nothing more for now; the server stops reading when it holds enough."""
        if self._goodbye is None:
            self._may_read.clear()

    def resume_reading(self) -> None:
        """Take from it again."""
        self._may_read.set()

    def close(self, code: int, reason: str = "") -> None:
        """Say goodbye after what was written before, and wait a moment for the answer."""
        if self._goodbye is None:
            self._goodbye = code, reason
            self._cutoff = self._loop.call_later(GRACE_SECONDS, self.abort)
            self._wake.set()
            self._may_read.set()

    def abort(self) -> None:
        """Stop here; it is for the server to cut the client off.

        The writer ends after the reader, so that a goodbye that can leave at once still leaves.
        """
        self._goodbye = self._goodbye or (closing.LOST, "")
        if self._reader is not None:
            self._reader.cancel()

    async def _read(self, receiver: Receiver) -> int:
        """Pass on every message; the code with which the connection ends."""
        while True:
            await self._may_read.wait()
            try:
                message = await self._client.receive()
            except RuntimeError:  # the server has ended it, and told the writer
                return closing.LOST
            if message["type"] in ("websocket.disconnect", "http.disconnect"):
                code: int = message.get("code") or closing.LOST
                return code
            if message["type"] == "websocket.receive" and self._goodbye is None:
                text = message.get("text")
                self._tell(receiver.received, message["bytes"] if text is None else text)

    async def _write(self, receiver: Receiver) -> None:
        """Send what is written, and goodbye at last."""
        try:
            while self._goodbye is None or self._outbox:
                await self._wake.wait()
                self._wake.clear()
                while self._outbox:
                    await self._send(self._outbox.popleft())
                self._tell(receiver.writable)
            await self._client.send(self._goodbye_of(*self._goodbye))
        except (WebSocketDisconnect, OSError, RuntimeError):
            self._may_read.set()  # the client has gone; whoever reads from it hears so

    async def _send(self, message: Outgoing) -> None:
        self.blocked = self._loop.time()
        for each in self._sent(message):
            await self._client.send(each)
        self.blocked = None
        self.buffered -= len(message)

    def _sent(self, message: Outgoing) -> Iterator[dict[str, Any]]:
        """What a message is in the terms of ASGI."""
        for part in message.parts:
            yield {"type": "websocket.send", "text": part.text}

    def _goodbye_of(self, code: int, reason: str) -> dict[str, Any]:
        return {"type": "websocket.close", "code": code, "reason": reason}

    def _tell(self, call: Callable[..., None], *values: Any) -> None:
        try:
            call(*values)
        except Exception:  # a mistake that concerns one client must not end the server
            log.exception("a connection's receiver failed")
            self.close(closing.MISTAKE, "the service made a mistake")
