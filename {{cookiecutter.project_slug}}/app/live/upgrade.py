"""A request to upgrade: how it reads, how it is answered, and what an application is told of it."""

import asyncio
from http import HTTPStatus
from typing import Any
from urllib.parse import unquote

from starlette.types import Message, Scope
from uvicorn.protocols.utils import get_local_addr, get_remote_addr, is_ssl
from websockets.datastructures import Headers
from websockets.http11 import Request, Response
from websockets.server import ServerProtocol

from app.live.reader import QUIET

LINE_BYTES = 8192
HEADERS = 128

PHRASES = {status.value: status.phrase for status in HTTPStatus}

# It answers, and keeps nothing of a request for the next; one for each would cost as much again.
_rules = ServerProtocol(logger=QUIET)


def request_in(head: bytes) -> Request:
    """The request, as uvicorn hands it on: what its parser has read, written anew and whole."""
    first, *lines = head.decode("latin-1").split("\r\n")[:-2]
    method, target, _ = first.split(" ", 2)
    fields = (line.partition(": ") for line in lines)
    headers = Headers((name, value.strip(" \t")) for name, _, value in fields)
    return Request(target, headers, method)


def answer_to(request: Request) -> Response:
    """The opening handshake's answer: 101, unless the request is none that may be granted.

    RFC 6455, 4.2.2.
    """
    if len(request.path) > LINE_BYTES:
        return refusal(HTTPStatus.REQUEST_URI_TOO_LONG)
    fields = list(request.headers.raw_items())
    if len(fields) > HEADERS or any(len(value) > LINE_BYTES for _, value in fields):
        return refusal(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
    has_body = {*request.headers.get_all("Content-Length")} - {"0"}
    if has_body or "Transfer-Encoding" in request.headers:
        return refusal(HTTPStatus.BAD_REQUEST, "an upgrade has no body\n")
    return _rules.accept(request)


def refusal(status: HTTPStatus, words: str = "") -> Response:
    """A refusal of the server's own."""
    return _rules.reject(status, words)


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
