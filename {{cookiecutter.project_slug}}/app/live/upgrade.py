"""What an application is told of a request to upgrade, and its refusal as HTTP has it."""

import asyncio
from http import HTTPStatus
from typing import Any
from urllib.parse import unquote

from starlette.types import Message, Scope
from uvicorn.protocols.utils import get_local_addr, get_remote_addr, is_ssl
from websockets.datastructures import Headers
from websockets.http11 import Request, Response

NO_REQUEST = b"""\
HTTP/1.1 400 Bad Request\r
Connection: close\r
Content-Length: 0\r
\r
"""

PHRASES = {status.value: status.phrase for status in HTTPStatus}


def scope_of(
    request: Request,
    transport: asyncio.Transport,
    *,
    root_path: str,
    state: dict[str, Any],
    extensions: dict[str, Any],
) -> Scope:
    """The scope of ASGI 3.0 for a WebSocket (2.4), as uvicorn's own protocols make it."""
    path, _, query = request.path.partition("?")
    offered = request.headers.get_all("Sec-WebSocket-Protocol")
    return {
        "type": "websocket",
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "http_version": "1.1",
        "scheme": "wss" if is_ssl(transport) else "ws",
        "server": get_local_addr(transport),
        "client": get_remote_addr(transport),
        "root_path": root_path,
        "path": root_path + unquote(path),
        "raw_path": (root_path + path).encode("latin-1"),
        "query_string": query.encode("latin-1"),
        "headers": [
            (name.lower().encode("latin-1"), value.encode("latin-1"))
            for name, value in request.headers.raw_items()
        ],
        "subprotocols": [name.strip() for names in offered for name in names.split(",")],
        "state": state.copy(),
        "extensions": {"websocket.http.response": {}, **extensions},
    }


def refusal_of(start: Message, body: bytes) -> Response:
    """A refusal in the application's own words (`websocket.http.response.start` and `.body`)."""
    headers = Headers(
        (name.decode("latin-1"), value.decode("latin-1"))
        for name, value in start.get("headers", ())
    )
    headers.setdefault("Content-Length", str(len(body)))
    headers.setdefault("Connection", "close")
    status: int = start["status"]
    return Response(status, PHRASES.get(status, ""), headers, body)
