"""What HTTP answers are made of: JSON by the one codec, entity tags, and the one error body."""

import hashlib
from collections.abc import Callable
from functools import lru_cache
from http import HTTPStatus
from typing import Any

import structlog
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection
from starlette.routing import Match
from starlette.websockets import WebSocket

from app.access.address import address_of
from app.access.door import HttpDoor
from app.access.identity import InvalidToken
from app.access.limits import LimitReached, Limits
from app.access.store import AppStore, Outcome
from app.core.principal import Principal
from app.core.rejected import Code, Rejected
from app.observe.metrics import Metrics
from app.observe.requests import METHODS
from app.wire import codec, problems
from app.wire.fingerprint import FINGERPRINT
from app.wire.protocol import Error

STATUS = {
    Code.INVALID: 422,
    Code.UNAUTHENTICATED: 401,
    Code.FORBIDDEN: 403,
    Code.NOT_FOUND: 404,
    Code.CONFLICT: 409,
    Code.ID_REUSED: 409,
    Code.TOO_LARGE: 413,
    Code.RATE_LIMITED: 429,
    Code.INTERNAL: 500,
    Code.UNAVAILABLE: 503,
}
_ERROR = {"application/json": {"schema": {"$ref": f"#/components/schemas/{Error.__name__}"}}}


def refusal(status: int) -> dict[str, Any]:
    """How OpenAPI describes an answer with this status, whatever else the route answers with."""
    return {"content": _ERROR, "description": HTTPStatus(status).phrase}


REFUSALS: dict[int | str, dict[str, Any]] = {status: refusal(status) for status in STATUS.values()}
# A validator is made of each model, for every route: one is enough for all to refer to.
REFUSALS[422] = {"model": Error, "description": HTTPStatus(422).phrase}
CODES = {status: code for code, status in STATUS.items() if code is not Code.ID_REUSED}
SHOWN = 100  # characters of a path
# A cache may store a 200, and a 404, that do not say who may (RFC 9111, 3 and 4.2.2).
UNSTORED = {"Cache-Control": "no-store"}

log = structlog.get_logger(__name__)


def json_answer(
    content: object, *, status: int = 200, headers: dict[str, str] | None = None
) -> Response:
    """An answer in JSON, as the codec writes it; no cache keeps it, unless `headers` say so."""
    body = codec.encode(content)
    return Response(body, status, UNSTORED | (headers or {}), media_type="application/json")


def entity_tag(seq: int, epoch: str, principal: Principal) -> dict[str, str]:
    """Headers by which a client knows that nothing has changed since (RFC 9110, 8.8.3)."""
    return {
        "ETag": f'"{epoch}-{seq}-{FINGERPRINT}-{_digest(principal)}"',
        "Cache-Control": "private, no-cache",
        "Vary": "Authorization, Cookie",
    }


@lru_cache(4096)
def _digest(reader: Principal) -> str:
    """Two readers of one address see different things."""
    return hashlib.blake2b(f"{reader.role}:{reader.name}".encode(), digest_size=4).hexdigest()


def as_it_stands(door: HttpDoor, outcome: Outcome, content: object) -> Response:
    """A thing as the command has left it.

    Where the command had been done before, it is the thing as it is now, and no tag of then is true
    of it. Answer with the event instead, wherever that tells all: it is the same both times.
    """
    headers = {} if outcome.duplicate else entity_tag(outcome.seq, door.epoch, door.sender)
    return json_answer(content, headers=headers)


def unless_known(
    request: Request, store: AppStore, principal: Principal, content: Callable[[], object]
) -> Response:
    """What `content` gives, or 304 when the client has it already (RFC 9110, 13.1.2).

    Raises Rejected for a client that has read too much of late. `content` is called only if it is
    sent: put what takes its time there. Check before this whether the client may read it, and
    whether it is there: a refusal goes before 304 (13.2.1).
    """
    require_may_read_more(request, principal)
    headers = entity_tag(store.seq, store.epoch, principal)
    known = {
        tag.strip().removeprefix("W/")
        for tag in request.headers.get("if-none-match", "").split(",")
    }
    if headers["ETag"] in known or "*" in known:
        return Response(status_code=304, headers=headers)
    return counted(request, principal, json_answer(content(), headers=headers))


def require_may_read_more(request: Request, principal: Principal) -> None:
    """Raise Rejected for a client that has read too much of late."""
    limits: Limits = request.app.state.limits
    limits.reading(principal, address_of(request))


def counted(request: Request, principal: Principal, answer: Response) -> Response:
    """An answer, whose bytes its reader has read."""
    limits: Limits = request.app.state.limits
    limits.has_read(principal, address_of(request), len(answer.body))
    return answer


def or_unchanged(model: object) -> dict[int | str, dict[str, Any]]:
    """How OpenAPI describes the answers of `unless_known`."""
    return {200: {"model": model}, 304: {"description": "Nothing has happened since."}}


def refused(
    connection: HTTPConnection, refusal: Rejected, headers: dict[str, str] | None = None
) -> Response:
    """The answer to what is refused, and it is counted.

    It is the same object that the socket sends, with the status of its code.
    """
    metrics: Metrics = connection.app.state.metrics
    reason = refusal.limit if isinstance(refusal, LimitReached) else refusal.code
    metrics.refused("ws" if isinstance(connection, WebSocket) else "http", reason)
    headers = UNSTORED | (headers or {})
    if refusal.retry_after is not None:
        headers["Retry-After"] = str(refusal.retry_after)
    if refusal.code is Code.UNAUTHENTICATED:
        headers["WWW-Authenticate"] = _challenge(refusal)
    body = codec.error_message(refusal)
    return Response(body, STATUS[refusal.code], headers, media_type="application/json")


def _challenge(refusal: Rejected) -> str:
    """How to ask again: with a token, or with another one (RFC 6750, 3)."""
    return 'Bearer error="invalid_token"' if isinstance(refusal, InvalidToken) else "Bearer"


def answer_every_refusal(app: FastAPI) -> None:
    """Give every refusal of the application the one error body."""
    app.add_exception_handler(Rejected, _rejected)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(Exception, at_fault)


async def _rejected(connection: HTTPConnection, refusal: Exception) -> Response:
    assert isinstance(refusal, Rejected)  # noqa: S101 - Starlette looks handlers up by class
    # A socket is refused before it was accepted, and so with an HTTP answer, too.
    return refused(connection, refusal)


async def _invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - as above
    if isinstance(error.__cause__, ValueError):
        return await _unreadable(request)
    return refused(request, problems.rejected(error.errors()))


async def _unreadable(request: Request) -> Response:
    """Python's reader of JSON has not got through the body: say why in the words of the socket."""
    return refused(request, problems.unreadable(await request.body()))


async def _http(request: Request, error: Exception) -> Response:
    """Starlette's own refusals: no such page, no such method, a body too large."""
    assert isinstance(error, HTTPException)  # noqa: S101 - as above
    if error.status_code == 400 and isinstance(error.__cause__, ValueError | RecursionError):
        return await _unreadable(request)  # FastAPI's word for a body that is not text, or too deep
    code = CODES.get(error.status_code, Code.INVALID if error.status_code < 500 else Code.INTERNAL)
    allowed = {"Allow": _allowed(request)} if error.status_code == 405 else {}
    headers = {**(error.headers or {}), **allowed}
    answer = refused(request, Rejected(code, _words(request, error, headers)), headers)
    answer.status_code = error.status_code
    return answer


def _allowed(request: Request) -> str:
    """Every method that an address takes; a route names only its own (RFC 9110, 15.5.6)."""
    scope = request.scope
    if "app_root_path" in scope:  # below a mount there are files
        return "GET, HEAD"
    asked = ((method, {**scope, "method": method}) for method in sorted(METHODS))
    return ", ".join(
        method
        for method, other in asked
        if any(route.matches(other)[0] is Match.FULL for route in request.app.routes)
    )


def _words(request: Request, error: HTTPException, headers: dict[str, str]) -> str:
    """What is wrong with an address or its method, and what would be right."""
    path, allowed = request.url.path[:SHOWN], headers.get("Allow")
    if error.status_code == 404 and error.detail == HTTPStatus.NOT_FOUND.phrase:
        return f"there is nothing at {path}: the routes are listed at /docs"
    if error.status_code == 405 and allowed:
        return f"{path} takes {allowed}, not {request.method}: the routes are listed at /docs"
    return str(error.detail)


async def at_fault(request: Request, fault: Exception) -> Response:
    """The answer to what fails by a mistake of ours."""
    return refused(request, Rejected(Code.INTERNAL, "the service made a mistake"))
