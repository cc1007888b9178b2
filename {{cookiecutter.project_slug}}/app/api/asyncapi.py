"""The live connection as AsyncAPI 3 describes it, and the page that shows it to people."""

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, TypeAlias

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import FileResponse

from app.access.principal import BEARER, COOKIE, PROTOCOL
from app.api.answers import json_answer
from app.api.dashboard import FILES, HEADERS
from app.core.rejected import Code, Rejected
from app.wire.examples import examples
from app.wire.protocol import Incoming, Outgoing
from app.wire.schema import FROM_CLIENT, FROM_SERVER, message_name, messages, reached, referring
from app.wire.schema import schemas as all_schemas

Document: TypeAlias = dict[str, Any]

SCHEMAS = "#/components/schemas/"
CHANNEL = {"$ref": "#/channels/live"}
ABOUT = """\
Commands come in, events go out: JSON objects in text frames, told apart by `type`. `/api/v1/ws` \
and `/ws` are the same route. Fields that are not described here are refused from clients, and \
may come from the service: ignore them. A token is sent with the handshake, or in a message \
`auth`. `docs/protocol.md` tells more: error and close codes, limits, and how to come back \
without a gap.
"""
# What is answered with what; `send` and `receive` are the service's.
OPERATIONS = (
    ("command", "receive", "Do something.", ("ack", "error")),
    ("event", "send", "Something has happened.", ()),
    ("subscribe", "receive", "Hear these topics, or all, from now on.", ("subscribed", "error")),
    ("auth", "receive", "Say who it is, or renew the token.", ("error",)),
    ("ping", "receive", "Ask whether the service is there.", ("pong",)),
    ("ping", "send", "Ask whether the client is there; only with `?ping=json`.", ("pong",)),
)
QUERY = {
    "topics": {"type": "string", "description": "what to hear: names, with commas between"},
    "since": {"type": "integer", "minimum": 0, "description": "first what happened after it"},
    "epoch": {"type": "string", "description": "the log that `since` is of"},
    "ping": {"const": "json", "description": "the service asks by messages whether one is there"},
    "user": {"type": "string", "description": "in development without a key: who is asking"},
    "role": {"enum": ["customer", "operator"], "description": "and in which role"},
}
SECURITY = {
    "bearer": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "for programs: `Bearer <token>`",
    },
    "subprotocol": {
        "type": "httpApiKey",
        "in": "header",
        "name": "Sec-WebSocket-Protocol",
        "description": f"for pages: `{PROTOCOL}, {BEARER}<token>`",
    },
    "cookie": {
        "type": "httpApiKey",
        "in": "cookie",
        "name": COOKIE,
        "description": "for pages of the service's own",
    },
}


def require_docs(request: Request) -> None:
    """Where `/docs` is switched off, these are, too."""
    if request.app.docs_url is None:
        raise Rejected(Code.NOT_FOUND, "the service does not describe itself here")


router = APIRouter(include_in_schema=False, dependencies=[Depends(require_docs)])


@router.get("/asyncapi.json")
async def document(request: Request) -> Response:
    """For tools."""
    protocol = "wss" if request.url.scheme == "https" else "ws"
    return json_answer(asyncapi(request.url.netloc, protocol))


@router.head("/docs/ws")
@router.get("/docs/ws")
async def page() -> FileResponse:
    """For people."""
    return FileResponse(FILES / "reference" / "index.html", headers=HEADERS)


def asyncapi(host: str, protocol: str) -> Document:
    """The whole document, for a service at `host`, by `ws` or `wss`."""
    kinds, components = _spoken()
    return {
        "asyncapi": "3.0.0",
        "info": {"title": "The live connection", "version": "1", "description": ABOUT},
        "defaultContentType": "application/json",
        "servers": {"service": _server(host, protocol)},
        "channels": {"live": _channel(kinds)},
        "operations": dict(_operations()),
        "components": components,
    }


@cache
def _spoken() -> tuple[Mapping[str, str], Document]:
    """The name of each message's schema by its `type`, and what describes them all; made once."""
    found = all_schemas()
    kinds = {_type(cls): message_name(cls) for cls in messages(Incoming) + messages(Outgoing)}
    spoken = reached(FROM_CLIENT, found) | reached(FROM_SERVER, found)
    described = {name: found[name] for name in found if name in spoken}
    return kinds, {
        "messages": {kind: _message(kind, name, found) for kind, name in kinds.items()},
        "schemas": referring(described, SCHEMAS, {}),
        "securitySchemes": SECURITY,
    }


def _type(cls: Any) -> str:
    (kind,) = cls.model_fields["type"].annotation.__args__
    return str(kind)


def _server(host: str, protocol: str) -> Document:
    return {
        "host": host,
        "protocol": protocol,
        "security": [{"$ref": f"#/components/securitySchemes/{name}"} for name in SECURITY],
    }


def _channel(kinds: Mapping[str, str]) -> Document:
    return {
        "address": "/ws",
        "title": "The one WebSocket",
        "messages": {kind: {"$ref": f"#/components/messages/{kind}"} for kind in kinds},
        "bindings": {
            "ws": {
                "method": "GET",
                "query": {"type": "object", "properties": QUERY},
                "bindingVersion": "0.1.0",
            }
        },
    }


def _operations() -> Iterator[tuple[str, Document]]:
    for kind, action, summary, answers in OPERATIONS:
        operation: Document = {
            "action": action,
            "channel": CHANNEL,
            "summary": summary,
            "messages": [_on_channel(kind)],
        }
        if answers:
            replies = [_on_channel(answer) for answer in answers]
            operation["reply"] = {"channel": CHANNEL, "messages": replies}
        yield f"{action}{kind.title()}", operation


def _on_channel(kind: str) -> Document:
    return {"$ref": f"#/channels/live/messages/{kind}"}


def _message(kind: str, name: str, found: Mapping[str, Any]) -> Document:
    said = found[name]["description"]
    return {
        "name": kind,
        "title": kind,
        "summary": said.partition("\n")[0],
        "description": said,
        "payload": {"$ref": SCHEMAS + name},
        "examples": [{"payload": example} for example in examples(found[name], found)],
    }
