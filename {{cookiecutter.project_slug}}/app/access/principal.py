"""Who is asking, at both doors. The place to plug in your own identity."""

from typing import Annotated

from fastapi import Depends
from starlette.requests import HTTPConnection

from app.access.identity import (
    ANONYMOUS,
    TAKEN,
    Authenticator,
    Identity,
    InvalidToken,
    TokenRefused,
    fault_of_name,
)
from app.access.origin import require_own_or_allowed_origin
from app.core.principal import Principal, Role
from app.core.rejected import Code, Rejected
from app.domain import State
from app.settings import Settings

COOKIE = "token"
PROTOCOL = "app.v1"
BEARER = "bearer."
SAFE = ("GET", "HEAD", "OPTIONS")


async def identity_of_request(connection: HTTPConnection) -> Identity:
    """Who sends a request: whom its token names, in `Authorization: Bearer …` or a cookie.

    A token that is no good is a refusal. Without one the sender is anonymous, and may do what
    `domain/policy.py` gives to Role.ANONYMOUS, which is nothing. While no key is set in
    development, whoever asks is an operator, or takes the part that the request names.
    """
    try:
        token = _bearer(connection) or _cookie(connection)
        if token is None:
            return _without_token(connection)
        state: State = connection.app.state.store.state
        return _authenticator(connection).identify(token, state)
    except TokenRefused as refusal:
        raise InvalidToken(refusal.message) from None


async def principal(connection: HTTPConnection) -> Principal:
    """The principal of a request."""
    return (await identity_of_request(connection)).principal


Sender = Annotated[Principal, Depends(principal)]


def identity_of_handshake(connection: HTTPConnection, state: State) -> Identity:
    """Who opens a WebSocket: as for a request, or by a subprotocol `bearer.<token>`.

    Raises Rejected before the handshake is answered for what a browser cannot send. For a bad token
    in a subprotocol or a cookie it raises TokenRefused: a browser learns the reason only from a
    close code, so the handshake has to be accepted first.
    """
    authenticator = _authenticator(connection)
    try:
        token = _bearer(connection)
        if token is not None:
            return authenticator.identify(token, state)
    except TokenRefused as refusal:
        raise InvalidToken(refusal.message) from None
    token = _offered(connection) or _ambient(connection)
    return _unnamed(connection) if token is None else authenticator.identify(token, state)


def subprotocol_of(connection: HTTPConnection) -> str | None:
    """What a handshake is answered, if it offered that (RFC 6455, 4.2.2); never a token."""
    return PROTOCOL if PROTOCOL in connection.scope.get("subprotocols", ()) else None


def _cookie(connection: HTTPConnection) -> str | None:
    """The token that a browser sends by itself, and so only from a page that may (CSRF)."""
    token = _ambient(connection)
    if token is not None:
        _require_meant(connection)
    return token


def _without_token(connection: HTTPConnection) -> Identity:
    """Who asks without a token; as an operator, only from a page that may."""
    if _settings(connection).is_open:
        _require_meant(connection)
    return _unnamed(connection)


def _require_meant(connection: HTTPConnection) -> None:
    if connection.scope.get("method") not in SAFE:
        require_own_or_allowed_origin(connection)


def _bearer(connection: HTTPConnection) -> str | None:
    """The token of the header (RFC 6750, 2.1); other schemes may be a proxy's."""
    given = [value.partition(" ") for value in connection.headers.getlist("authorization")]
    tokens = [token.strip() for scheme, _, token in given if scheme.lower() == "bearer"]
    return _only(tokens)


def _offered(connection: HTTPConnection) -> str | None:
    """The token of a subprotocol, which is all that a browser's WebSocket can be told to send."""
    offers: list[str] = connection.scope.get("subprotocols", [])
    return _only([offer.removeprefix(BEARER) for offer in offers if offer.startswith(BEARER)])


def _ambient(connection: HTTPConnection) -> str | None:
    """The cookie; while there is no key it can only be of another service on this machine."""
    return None if _settings(connection).is_open else connection.cookies.get(COOKIE) or None


def _only(tokens: list[str]) -> str | None:
    if len(tokens) > 1:
        raise TokenRefused("there is more than one token")
    if tokens == [""]:
        raise TokenRefused("there is no token after 'Bearer'")
    return tokens[0] if tokens else None


def _unnamed(connection: HTTPConnection) -> Identity:
    """Nobody; where the service is open, an operator, or whom `?user=` or `X-User` names."""
    if not _settings(connection).is_open:
        return Identity(ANONYMOUS)
    query, headers = connection.query_params, connection.headers
    name = query.get("user") or headers.get("x-user")
    if not name:
        return Identity(Principal(ANONYMOUS.name, Role.OPERATOR))
    role = query.get("role") or headers.get("x-role") or Role.CUSTOMER
    if fault := fault_of_name(name):
        raise Rejected(Code.INVALID, fault)
    if role not in TAKEN:
        wanted = " or ".join(TAKEN)
        raise Rejected(Code.INVALID, f"there is no role '{role}': a role is {wanted}")
    return Identity(Principal(name, Role(role)))


def _authenticator(connection: HTTPConnection) -> Authenticator:
    found: Authenticator = connection.app.state.authenticator
    return found


def _settings(connection: HTTPConnection) -> Settings:
    found: Settings = connection.app.state.settings
    return found
