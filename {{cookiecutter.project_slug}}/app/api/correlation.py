"""Names every request, so that its answer and its log lines can be put together."""

import re
import secrets

import structlog
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

HEADER = "X-Correlation-ID"
# A handshake is accepted, or refused by an HTTP answer.
STARTS = ("http.response.start", "websocket.accept", "websocket.http.response.start")
FITS = re.compile(rb"[\w.:/-]{1,64}", re.ASCII)


class Correlation:
    """ASGI middleware: `X-Correlation-ID` is kept or made, answered, and put into log lines."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on under its name."""
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        given = dict(scope["headers"]).get(HEADER.lower().encode(), b"")
        name = given.decode() if FITS.fullmatch(given) else secrets.token_hex(8)

        async def named(message: Message) -> None:
            if message["type"] in STARTS:
                MutableHeaders(scope=message).append(HEADER, name)
            await send(message)

        bound = structlog.contextvars.bind_contextvars(correlation_id=name)
        await self.app(scope, receive, named)
        # Not after a fault: the server's line with the traceback is still to come, in this task.
        structlog.contextvars.reset_contextvars(**bound)
