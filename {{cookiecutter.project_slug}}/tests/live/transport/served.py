"""One small application on real sockets, served in several ways, to see that they are alike."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import hypercorn.asyncio
import hypercorn.config
import uvicorn
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket

from app.live.asgi import AsgiConnection
from app.live.compressing import Compressing
from app.live.handshake import protocol_class
from app.live.http import BoundedHttp
from app.live.keepalive import Keepalive
from app.live.message import Message
from app.live.port import OFFER, Connection

MAX_BYTES = 64 * 1024
BUDGET = 256 * 1024


class Echo:
    """A receiver that says everything back; what it hears and how it ends is for the test."""

    def __init__(self, connection: Connection, keepalive: Keepalive) -> None:
        self.keepalive = keepalive
        self.connection = connection
        self.heard: list[str | bytes] = []
        self.codes: list[int] = []
        self.was_writable = 0
        self.over = asyncio.Event()

    def received(self, message: str | bytes) -> None:
        """Say it back, or do what it says."""
        self.heard.append(message)
        match message:
            case "raise":
                raise ValueError("a mistake, on purpose")
            case "close":
                self.connection.close(4009, "as asked")
            case "pause":
                self.connection.pause_reading()
            case str():
                self.connection.write(Message(message.encode()))
            case bytes():
                self.connection.write(Message(f"{len(message)} bytes".encode()))

    def writable(self) -> None:
        """Count it."""
        self.was_writable += 1

    def closed(self, code: int) -> None:
        """Keep why."""
        self.codes.append(code)
        self.over.set()
        self.keepalive.remove(self.connection)


@dataclass
class Served:
    """The application while it is served."""

    way: str
    port: int
    receivers: list[Echo] = field(default_factory=list)
    connections: set[Any] = field(default_factory=set)
    scopes: list[Scope] = field(default_factory=list)
    keepalive: Keepalive = field(default_factory=lambda: Keepalive(1))
    stop: Callable[[], None] = lambda: None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The application: one way of answering for each path."""
        if scope["type"] == "http":
            await send({"type": "http.response.start", "status": 204, "headers": []})
            await send({"type": "http.response.body", "body": b""})
        if scope["type"] != "websocket":
            return
        self.scopes.append({**scope, "extensions": {}})
        websocket = WebSocket(scope, receive, send)
        await websocket.receive()
        match scope["path"]:
            case "/refused":
                await websocket.close()
            case "/crashed":
                raise ValueError("a mistake, on purpose")
            case "/silent":
                return
            case "/left":
                await websocket.accept()
            case "/denied":
                words = PlainTextResponse("come back later", 503, {"Retry-After": "7"})
                await websocket.send_denial_response(words)
            case "/plain":
                await plain_echo(websocket)
            case "/echo":
                await self.echo(websocket)

    async def echo(self, websocket: WebSocket) -> None:
        """By the connection that is offered, or by that of any server."""
        await websocket.accept("app.v1" if websocket.scope["subprotocols"] else None)
        offered: Connection | None = websocket.scope["extensions"].get(OFFER)
        connection = offered or AsgiConnection(websocket, BUDGET)
        echo = Echo(connection, self.keepalive)
        self.receivers.append(echo)
        self.keepalive.add(connection)
        serving = connection.serve(echo)
        if serving is not None:
            await serving

    async def latest(self) -> Echo:
        """The receiver of the last connection, as soon as there is one."""
        async with asyncio.timeout(5):
            while not self.receivers:  # noqa: ASYNC110 - the server's own time
                await asyncio.sleep(0.001)
        return self.receivers[-1]


async def plain_echo(websocket: WebSocket) -> None:
    """As in every tutorial: nothing of the connections of this service."""
    await websocket.accept()
    while True:
        message = await websocket.receive()
        if message["type"] == "websocket.disconnect":
            return
        if message.get("text") == "close":
            await websocket.close(4009, "as asked")
        elif message.get("text") == "raise":
            raise ValueError("a mistake, on purpose")
        elif message.get("text") is not None:
            await websocket.send_text(message["text"])
        else:
            await websocket.send_bytes(message["bytes"])


@asynccontextmanager
async def served(way: str) -> AsyncIterator[Served]:
    """Serve by "direct" (our protocol), "uvicorn" (its own, which compresses) or "hypercorn"."""
    with socket.create_server(("127.0.0.1", 0), backlog=1024) as listener:
        listener.setblocking(False)
        application = Served(way, listener.getsockname()[1])
        serve = by_hypercorn if way == "hypercorn" else by_uvicorn
        async with serve(application, listener):
            yield application


@asynccontextmanager
async def by_uvicorn(application: Served, listener: socket.socket) -> AsyncIterator[None]:
    own = protocol_class(max_message_bytes=MAX_BYTES, send_buffer_bytes=BUDGET)
    config = uvicorn.Config(
        application,
        http=Impatient,
        ws=own if application.way == "direct" else Compressing,
        ws_max_size=MAX_BYTES,
        ws_per_message_deflate=False,
        ws_ping_interval=None,
        lifespan="off",
        log_config=None,
        timeout_graceful_shutdown=10,
    )
    server = Unsignalled(config)
    application.stop = partial(setattr, server, "should_exit", True)
    application.connections = server.server_state.connections
    running = asyncio.create_task(server.serve([listener]))
    async with asyncio.timeout(10):
        while not server.started:  # noqa: ASYNC110 - uvicorn has no event for it
            await asyncio.sleep(0.01)
    try:
        yield
    finally:
        application.stop()
        await running


class Impatient(BoundedHttp):
    """A server that waits for a request as long as a test can."""

    head_seconds = 0.5
    head_bytes = 16 * 1024


class Unsignalled(uvicorn.Server):
    """A server that leaves the signals to the test."""

    def capture_signals(self) -> contextlib.AbstractContextManager[None]:  # type: ignore[override]
        """They are not this server's."""
        return contextlib.nullcontext()


@asynccontextmanager
async def by_hypercorn(application: Served, listener: socket.socket) -> AsyncIterator[None]:
    config = hypercorn.config.Config()
    config.bind = [f"fd://{listener.detach()}"]
    config.websocket_max_message_size = MAX_BYTES
    config.graceful_timeout = 1
    stop = asyncio.Event()
    trigger: Callable[[], Any] = stop.wait
    running = asyncio.create_task(
        hypercorn.asyncio.serve(application, config, shutdown_trigger=trigger)  # type: ignore[arg-type]
    )
    try:
        yield
    finally:
        stop.set()
        await running
