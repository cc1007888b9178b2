"""Who opens a WebSocket of the real service: by header, by subprotocol, by cookie."""

import json
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidStatus
from websockets.typing import Subprotocol

from tests.access.keys import OTHER, SECRET, signed
from tests.service import Service

pytestmark = pytest.mark.anyio

PAGE = "https://app.example.com"


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """The service with a key, and a page that may speak to it."""
    folder = tmp_path_factory.mktemp("guarded")
    settings = {"APP_JWT_SECRET": SECRET, "APP_ALLOWED_ORIGINS": PAGE}
    running = Service(folder, **settings).start()
    yield running
    running.kill()


def offer(*names: str) -> dict[str, Any]:
    return {"subprotocols": [Subprotocol(name) for name in names] or None}


def by_header(token: str) -> dict[str, Any]:
    return {"additional_headers": {"Authorization": f"Bearer {token}"}}


def by_subprotocol(token: str) -> dict[str, Any]:
    return offer("app.v1", f"bearer.{token}")


def by_cookie(token: str) -> dict[str, Any]:
    return {"additional_headers": {"Cookie": f"token={token}"}}


WAYS = {"header": by_header, "subprotocol": by_subprotocol, "cookie": by_cookie}


async def name_of(ws: ClientConnection) -> str:
    """Whom the service takes the client for: it says so when it denies something."""
    await ws.send('{"type":"command","action":{"RevokeTokens":{"user_id":"nobody"}}}')
    message = str(json.loads(await ws.recv())["message"])
    return message.split(" may not ")[0]


@pytest.mark.parametrize("way", WAYS)
async def test_a_good_token_is_taken_for_whom_it_names(guarded: Service, way: str) -> None:
    async with connect(f"{guarded.ws}/ws", **WAYS[way](signed(sub="ada"))) as ws:
        assert await name_of(ws) == "ada (customer)"


@pytest.mark.parametrize("token", ["garbage", signed(OTHER), signed(exp=1), signed(sub="system")])
async def test_a_bad_token_in_the_header_is_refused_with_the_handshake(
    guarded: Service, token: str
) -> None:
    with pytest.raises(InvalidStatus) as refused:
        await connect(f"{guarded.ws}/ws", **by_header(token))

    answer = refused.value.response
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == 'Bearer error="invalid_token"'
    assert json.loads(answer.body)["code"] == "unauthenticated"


@pytest.mark.parametrize("way", ["subprotocol", "cookie"])
@pytest.mark.parametrize(
    ("token", "code"),
    [
        ("garbage", 4501),
        (signed(OTHER), 4501),
        (signed(OTHER, exp=1), 4501),
        (signed(exp=1), 4401),
        (signed(sub="system"), 4501),
    ],
)
async def test_a_bad_token_that_a_browser_sends_is_told_by_a_close_code(
    guarded: Service, way: str, token: str, code: int
) -> None:
    async with connect(f"{guarded.ws}/ws", **WAYS[way](token)) as ws:
        await ws.wait_closed()

        assert ws.close_code == code
        assert ws.close_reason


async def test_the_answer_to_an_offer_is_the_protocol_and_never_the_token(
    guarded: Service,
) -> None:
    good = f"bearer.{signed()}"
    answers = []
    for offered in (("app.v1", good), (good, "app.v1"), ("app.v1",), (good,), ("x.v9",), ()):
        async with connect(f"{guarded.ws}/ws", **offer(*offered)) as ws:
            answers.append(ws.subprotocol)

    assert answers == ["app.v1", "app.v1", "app.v1", None, None, None]


async def test_the_header_comes_before_the_subprotocol_and_that_before_the_cookie(
    guarded: Service,
) -> None:
    header, cookie = by_header(signed(sub="ada")), by_cookie(signed(sub="bob"))
    offered = by_subprotocol(signed(sub="eve"))
    headers = header["additional_headers"] | cookie["additional_headers"]

    async with connect(f"{guarded.ws}/ws", **(offered | {"additional_headers": headers})) as ws:
        assert await name_of(ws) == "ada (customer)"
    async with connect(f"{guarded.ws}/ws", **(offered | cookie)) as ws:
        assert await name_of(ws) == "eve (customer)"


async def test_two_tokens_are_none(guarded: Service) -> None:
    two = offer("app.v1", f"bearer.{signed()}", f"bearer.{signed(sub='bob')}")

    async with connect(f"{guarded.ws}/ws", **two) as ws:
        await ws.wait_closed()

        assert ws.close_code == 4501


async def test_a_token_in_the_address_is_not_looked_at(guarded: Service) -> None:
    query = f"token={signed()}&user=ada&role=operator"

    async with connect(f"{guarded.ws}/ws?{query}") as ws:
        assert "unnamed" in await name_of(ws) or "say who you are" in await name_of(ws)


@pytest.mark.parametrize(
    ("origin", "is_allowed"),
    [
        (PAGE, True),
        ("https://APP.example.com:443", True),
        (None, True),
        ("own", True),
        ("http://app.example.com", False),
        ("https://app.example.com:8443", False),
        ("https://app.example.com.evil.com", False),
        ("http://localhost:5173", False),
        ("null", False),
        ("nonsense", False),
    ],
)
async def test_a_page_that_may_not_speak_to_the_service_is_refused_with_the_handshake(
    guarded: Service, origin: str | None, is_allowed: bool
) -> None:
    given = guarded.url if origin == "own" else origin
    headers = {} if given is None else {"Origin": given}
    headers |= by_cookie(signed(sub="ada"))["additional_headers"]

    if is_allowed:
        async with connect(f"{guarded.ws}/ws", additional_headers=headers) as ws:
            assert await name_of(ws) == "ada (customer)"
    else:
        with pytest.raises(InvalidStatus) as refused:
            await connect(f"{guarded.ws}/ws", additional_headers=headers)
        assert refused.value.response.status_code == 403
        assert json.loads(refused.value.response.body)["code"] == "forbidden"


async def test_a_revocation_ends_live_connections_and_keeps_their_tokens_out(
    guarded: Service,
) -> None:
    token = signed(sub="carl", iat=int(time.time()) - 60)
    operator = by_header(signed(sub="olga", role="operator"))["additional_headers"]

    async with (
        connect(f"{guarded.ws}/ws", **by_subprotocol(token)) as ws,
        connect(f"{guarded.ws}/ws", **by_subprotocol(signed(sub="ada"))) as other,
        httpx.AsyncClient(base_url=guarded.url) as http,
    ):
        await name_of(ws)
        url = "/api/v1/revocations"
        revoked = await http.post(url, json={"user_id": "carl"}, headers=operator)
        await ws.wait_closed()
        assert revoked.status_code == 201
        assert ws.close_code == 4503
        assert await name_of(other) == "ada (customer)"
    async with connect(f"{guarded.ws}/ws", **by_subprotocol(token)) as ws:
        await ws.wait_closed()
        assert ws.close_code == 4501
        assert ws.close_reason == "the token is revoked"
