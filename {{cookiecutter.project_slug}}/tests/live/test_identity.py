"""Who a live connection belongs to: by which door the token comes, and how long it holds."""

import asyncio
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import jwt
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus
from websockets.typing import Subprotocol

from app.access.identity import ANONYMOUS, Identity
from app.bootstrap import create_app
from app.core.principal import Principal, Role
from app.domain.revocation.actions import RevokeTokens
from app.live.live import Live
from app.live.port import Connection
from app.live.session import Session
from tests.access.keys import settings_of
from tests.live.codes import Codes
from tests.service import Service
from tests.talk import Talk

pytestmark = pytest.mark.anyio

SECRET = "7c1f0a9b3d5e48f2a6b4c0d9e8f7a1b2c3d4e5f60718293a"  # noqa: S105 - of these tests alone


def token(name: str, role: str = "operator", *, seconds: float = 60, age: float = 0) -> str:
    """A token as the issuer makes it, some seconds old."""
    now = time.time() - age
    return jwt.encode({"sub": name, "role": role, "iat": now, "exp": now + seconds}, SECRET)


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """The service as it runs in production."""
    folder: Path = tmp_path_factory.mktemp("guarded")
    running = Service(folder, APP_ENV="production", APP_JWT_SECRET=SECRET)
    yield running.start()
    running.kill()


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def revoke(name: str) -> object:
    return {"RevokeTokens": {"user_id": name}}


async def test_a_token_in_the_header_says_who_it_is(guarded: Service) -> None:
    async with connect(f"{guarded.ws}/ws", additional_headers=bearer(token("olga"))) as socket:
        *_, answer = await Talk(socket).command(revoke("nobody"))

    assert answer["type"] == "ack"


@pytest.mark.parametrize("bad", ["rubbish", token("ada", seconds=1, age=9)])
async def test_a_bad_token_in_the_header_is_refused_with_the_handshake(
    guarded: Service, bad: str
) -> None:
    named = bearer(bad) | {"X-Correlation-ID": "call-7"}
    with pytest.raises(InvalidStatus) as refused:
        await connect(f"{guarded.ws}/ws", additional_headers=named)

    assert refused.value.response.status_code == 401
    assert refused.value.response.headers["X-Correlation-ID"] == "call-7"
    assert "WWW-Authenticate" in refused.value.response.headers


async def test_a_token_in_the_subprotocol_says_who_it_is_and_is_not_repeated(
    guarded: Service,
) -> None:
    offered = [Subprotocol("app.v1"), Subprotocol(f"bearer.{token('olga')}")]
    async with connect(f"{guarded.ws}/ws", subprotocols=offered) as socket:
        *_, answer = await Talk(socket).command(revoke("nobody"))

        assert socket.subprotocol == "app.v1"
    assert answer["type"] == "ack"


@pytest.mark.parametrize(
    ("bad", "code"), [("rubbish", 4501), (token("ada", seconds=1, age=9), 4401)]
)
@pytest.mark.parametrize("way", ["subprotocol", "cookie", "message"])
async def test_a_bad_token_that_a_browser_sends_closes_the_connection(
    guarded: Service, way: str, bad: str, code: int
) -> None:
    offered = ["app.v1", f"bearer.{bad}"] if way == "subprotocol" else ["app.v1"]
    headers = {"Cookie": f"token={bad}"} if way == "cookie" else {}
    protocols = [Subprotocol(each) for each in offered]
    async with connect(
        f"{guarded.ws}/ws", subprotocols=protocols, additional_headers=headers
    ) as socket:
        client = Talk(socket)
        if way == "message":
            await client.say("auth", token=bad)

        assert await client.closed() == code
        assert socket.close_reason


async def test_a_stranger_hears_nothing_and_may_do_nothing_until_it_says_who_it_is(
    guarded: Service,
) -> None:
    async with (
        connect(f"{guarded.ws}/ws?topics=revocation") as socket,
        connect(f"{guarded.ws}/ws", additional_headers=bearer(token("olga"))) as operator,
    ):
        stranger = Talk(socket)
        (refused,) = await stranger.command(revoke("nobody"))
        await stranger.say("subscribe", topics=["revocation"])
        (deaf,) = await stranger.heard()
        await Talk(operator).command(revoke("nobody"))
        silence = await stranger.heard()
        await stranger.say("auth", token=token("oscar"))
        (subscribed,) = await stranger.heard()
        *_, answer = await stranger.command(revoke("nobody"))

    assert [message["code"] for message in (refused, deaf)] == ["unauthenticated"] * 2
    assert silence == []
    assert subscribed["topics"] == ["revocation"], "as its address has asked for"
    assert answer["type"] == "ack"


@pytest.mark.slow
async def test_a_stranger_who_stays_one_has_to_go(guarded: Service) -> None:
    async with connect(f"{guarded.ws}/ws") as socket:
        assert await asyncio.wait_for(Talk(socket).closed(), 15) == 4401


async def test_a_token_that_expires_ends_the_connection(guarded: Service) -> None:
    headers = bearer(token("olga", seconds=1.5))
    async with connect(f"{guarded.ws}/ws", additional_headers=headers) as socket:
        assert await asyncio.wait_for(Talk(socket).closed(), 10) == 4401


async def test_a_token_that_is_renewed_in_time_does_not(guarded: Service) -> None:
    short, long = bearer(token("olga", seconds=2)), token("olga", seconds=60)
    async with (
        connect(f"{guarded.ws}/ws", additional_headers=short) as renewed,
        connect(f"{guarded.ws}/ws", additional_headers=short) as forgotten,
    ):
        await Talk(renewed).say("auth", token=long)

        assert await asyncio.wait_for(Talk(forgotten).closed(), 10) == 4401
        *_, answer = await Talk(renewed).command(revoke("nobody"))
    assert answer["type"] == "ack"


async def test_a_connection_stays_its_owners(guarded: Service) -> None:
    async with connect(f"{guarded.ws}/ws", additional_headers=bearer(token("olga"))) as socket:
        client = Talk(socket)
        await client.say("auth", token=token("oscar"))
        (refused,) = await client.heard()

    assert (refused["type"], refused["code"]) == ("error", "forbidden")


async def test_a_renewed_token_may_give_another_role(guarded: Service) -> None:
    headers = bearer(token("ada", "customer"))
    async with connect(f"{guarded.ws}/ws?topics=revocation", additional_headers=headers) as socket:
        client = Talk(socket)
        subscribed = await client.hear()
        (refused,) = await client.command(revoke("nobody"))
        await client.say("auth", token=token("ada"))
        event, answer = await client.command(revoke("nobody"))
        await client.say("auth", token=token("ada", "customer"))
        async with connect(f"{guarded.ws}/ws", additional_headers=bearer(token("olga"))) as other:
            await Talk(other).command(revoke("nobody"))
        silence = await client.heard()

    assert subscribed["denied"] == ["revocation"]
    assert refused["code"] == "forbidden"
    assert (event["type"], answer["type"]) == ("event", "ack")
    assert silence == []


async def test_revoked_tokens_end_their_connections_and_open_no_more(guarded: Service) -> None:
    old, other = bearer(token("rita", age=2)), bearer(token("olga"))
    async with (
        connect(f"{guarded.ws}/ws", additional_headers=old) as revoked,
        connect(f"{guarded.ws}/ws", additional_headers=other) as operator,
    ):
        await Talk(operator).command(revoke("rita"))

        assert await Talk(revoked).closed() == 4503
        assert await Talk(operator).heard() == [], "and nobody else is disturbed"
    with pytest.raises(InvalidStatus) as refused:
        await connect(f"{guarded.ws}/ws", additional_headers=old)
    assert refused.value.response.status_code == 401
    async with connect(
        f"{guarded.ws}/ws", additional_headers=bearer(token("rita", age=-2))
    ) as socket:
        assert await Talk(socket).heard() == [], "one that is issued later is good"


async def test_a_page_of_another_origin_is_refused_with_the_handshake(guarded: Service) -> None:
    with pytest.raises(InvalidStatus) as refused:
        await connect(f"{guarded.ws}/ws", origin="https://evil.example")  # type: ignore[arg-type]

    assert refused.value.response.status_code == 403


async def test_whoever_is_revoked_while_it_is_let_in_is_sent_away() -> None:
    app, client = create_app(settings_of()), Codes()
    now = time.time()
    ada = Identity(Principal("ada", Role.CUSTOMER), expires=now + 60, issued=now - 60)

    async with app.router.lifespan_context(app):
        live: Live = app.state.live
        await live.store.dispatch(RevokeTokens("ada"), by=Principal("olga", Role.OPERATOR))
        session = Session(live, cast(Connection, client), ada, live.limits.connect("192.0.2.1"))
        session.begin(None)
        session.closed(client.codes[0])

    assert client.codes == [4503]


async def test_whoever_says_late_who_it_is_is_one_too_many_then() -> None:
    app = create_app(settings_of(jwt_secret=SECRET, connections_per_principal=1))
    client = Codes()
    async with app.router.lifespan_context(app):
        live: Live = app.state.live
        live.limits.connect("192.0.2.1").identify(Principal("ada", Role.OPERATOR))
        session = Session(
            live,
            cast(Connection, client),
            Identity(ANONYMOUS),
            live.limits.connect("192.0.2.1"),
        )
        session.begin(None)
        session.received(json.dumps({"type": "auth", "token": token("ada")}))
        session.closed(client.codes[0])

    assert client.codes == [4429]
