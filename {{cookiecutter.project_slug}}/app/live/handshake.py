"""A WebSocket protocol for uvicorn's `ws` setting: it opens connections that cost little."""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from typing import Any, cast

import structlog
import uvicorn
from starlette.types import Message as AsgiMessage
from starlette.types import Scope
from starlette.websockets import WebSocketDisconnect
from uvicorn.server import ServerState
from websockets.http11 import Request, Response

from app.live import closing
from app.live.plain import PlainAsgi
from app.live.port import OFFER
from app.live.reader import Readers
from app.live.transport import DirectConnection
from app.live.upgrade import answer_to, refusal, refusal_of, request_in, scope_of

DONE = 1000

log = structlog.get_logger(__name__)


def protocol_class(*, max_message_bytes: int, send_buffer_bytes: int) -> type[asyncio.Protocol]:
    """What uvicorn makes one of for each connection that is upgraded.

    A longer message is refused with 1009; a client for which more bytes wait is closed with 4008.
    """

    class Limited(Handshake):
        readers = Readers(max_message_bytes)
        budget = send_buffer_bytes

    return Limited


class Handshake(asyncio.Protocol):
    """From the request to upgrade until the application has accepted or refused it.

    It offers the connection in `scope["extensions"]["app.connection"]`. A route accepts, calls
    `serve` on it and returns; what such a route has used is free then. A route that receives and
    sends by ASGI is served, too, at the usual price; its clients are not asked whether they are
    there.
    """

    readers: Readers
    budget: int

    def __init__(
        self,
        config: uvicorn.Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        self._config = config
        self._server = server_state
        self._connections: set[asyncio.Protocol] = server_state.connections  # type: ignore[assignment]
        self._app_state = app_state
        self._upgrade: Response | None = None
        self._refusal: AsgiMessage | None = None
        self._body = b""
        self._is_connect_told = False
        self._is_answered = False
        self._is_over = False
        self._plain: PlainAsgi | None = None

    # What uvicorn and its transport ask of it

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin, with a transport that has been uvicorn's HTTP protocol's."""
        self._transport = cast(asyncio.Transport, transport)
        self._connections.add(self)
        self._connection = DirectConnection(
            self._transport, self._connections, self.readers, self.budget
        )

    def data_received(self, data: bytes) -> None:
        """The whole head of the request; what comes after it is for the connection."""
        if self._upgrade is not None:
            self._connection.data_received(data)
        elif not self._is_answered:
            request = request_in(data)
            answer = answer_to(request)
            if answer.status_code == HTTPStatus.SWITCHING_PROTOCOLS:
                self._upgrade = answer
                self._ask_application(request)
            else:
                self._refuse(answer)

    def connection_lost(self, exc: Exception | None) -> None:
        """The client has gone before it was answered, or has been refused."""
        self._is_over = True
        self._connections.discard(self)

    def shutdown(self) -> None:
        """The server stops: this one is not let in."""
        if not self._is_answered:
            self._refuse(refusal(HTTPStatus.SERVICE_UNAVAILABLE, "stopping\n"))

    # How the application answers

    def _ask_application(self, request: Request) -> None:
        self._transport.pause_reading()  # until somebody hears it
        scope = scope_of(
            request,
            self._transport,
            root_path=self._config.root_path,
            state=self._app_state,
            extensions={OFFER: self._connection},
        )
        task = asyncio.get_running_loop().create_task(self._run(scope), name="handshake")
        self._server.tasks.add(task)
        task.add_done_callback(self._server.tasks.discard)

    async def _run(self, scope: Scope) -> None:
        code = closing.MISTAKE
        try:
            await self._config.loaded_app(scope, self._receive, self._send)
            code = DONE
        except (ConnectionResetError, WebSocketDisconnect):
            pass  # the client has gone
        except Exception:  # of any kind: the application's mistake is not the server's
            log.exception("the application failed")
        finally:
            if not self._is_answered:
                self._refuse(refusal(HTTPStatus.INTERNAL_SERVER_ERROR, "our fault\n"))
            elif self._plain is not None or not (self._is_over or self._connection.is_served):
                self._connection.close(code)

    async def _receive(self) -> AsgiMessage:
        if not self._is_connect_told:
            self._is_connect_told = True
            return {"type": "websocket.connect"}
        return await self._by_asgi().receive()

    async def _send(self, message: AsgiMessage) -> None:
        if self._is_over:
            raise ConnectionResetError("the client has gone")
        if self._is_answered:
            await self._by_asgi().send(message)
            return
        match message["type"]:
            case "websocket.accept":
                self._accept(message)
            case "websocket.close":
                self._refuse(refusal(HTTPStatus.FORBIDDEN))
            case "websocket.http.response.start":
                self._refusal = message
            case "websocket.http.response.body" if self._refusal is not None:
                self._body += message.get("body", b"")
                if not message.get("more_body", False):
                    self._refuse(refusal_of(self._refusal, self._body))
            case type:
                raise RuntimeError(f"before websocket.accept, {type} says nothing")

    def _by_asgi(self) -> PlainAsgi:
        if self._plain is None:
            if not self._is_answered or self._connection.is_served:
                raise RuntimeError("the connection is another's: nothing is received or sent here")
            self._plain = PlainAsgi(self._connection)
        return self._plain

    def _accept(self, message: AsgiMessage) -> None:
        assert self._upgrade is not None  # noqa: S101 - the application is asked after it
        for name, value in message.get("headers", ()):
            self._upgrade.headers[name.decode("latin-1")] = value.decode("latin-1")
        if message.get("subprotocol"):
            self._upgrade.headers["Sec-WebSocket-Protocol"] = message["subprotocol"]
        self._answer(self._upgrade)
        self._connections.discard(self)
        self._connection.open()

    def _refuse(self, response: Response) -> None:
        self._answer(response)
        self._is_over = True
        self._transport.close()

    def _answer(self, response: Response) -> None:
        self._is_answered = True
        if not self._is_over:
            self._transport.write(response.serialize())
