"""Who is asking over HTTP: tokens in the header and in the cookie, and no token at all."""

import time
from datetime import datetime
from typing import Any

import httpx
import jwt
import orjson
import pytest

from app.settings import Env
from tests.access.conftest import OWN, Open
from tests.access.keys import OTHER, SECRET, bearer_claims, signed

pytestmark = pytest.mark.anyio

URL = "/api/v1/revocations"  # an operator's; a customer is told who it was taken for


def by_header(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def by_cookie(token: str) -> dict[str, str]:
    return {"Cookie": f"theme=dark; token={token}"}


WAYS = {"header": by_header, "cookie": by_cookie}


def tampered() -> str:
    head, _, signature = signed().split(".")
    _, payload, _ = signed(role="operator").split(".")
    return f"{head}.{payload}.{signature}"


NOW = int(time.time())
REFUSED = {
    "garbage": ("garbage", "no valid token"),
    "two parts": ("a.b", "no valid token"),
    "three empty parts": ("..", "no valid token"),
    "no base64": ("%.%.%", "no valid token"),
    "nested JSON": ("W1tbW1tb.e30.x", "no valid token"),
    "alg none": (jwt.encode(bearer_claims(), "", "none"), "signed in a way"),
    "alg none without its dot": (jwt.encode(bearer_claims(), "", "none")[:-1], "no valid token"),
    "another algorithm": (signed(algorithm="HS512"), "signed in a way"),
    "another secret": (signed(OTHER), "not signed with the key"),
    "tampered with": (tampered(), "not signed with the key"),
    "a signature cut off": (signed().rsplit(".", 1)[0] + ".", "not signed with the key"),
    "expired": (signed(exp=NOW - 1), "the token has expired"),
    "expired long ago": (signed(exp=0), "the token has expired"),
    "not yet valid": (signed(nbf=NOW + 86_400), "not valid yet"),
    "issued in the future": (signed(iat=NOW + 86_400), "not valid yet"),
    "no exp": (signed(exp=None), "does not say 'exp'"),
    "an exp that is text": (signed(exp="tomorrow"), "exp is not a time"),
    "an exp that is a number as text": (signed(exp="99999999999"), "exp is not a time"),
    "an exp that is true": (signed(exp=True), "exp is not a time"),
    "an exp without end": (signed(exp=1e308 * 10), "exp is not a time"),
    "an iat that is true": (signed(iat=True), "iat is not a time"),
    "no sub": (signed(sub=None), "does not say 'sub'"),
    "an empty sub": (signed(sub=""), "1 to 64 printable characters"),
    "a sub of 65 characters": (signed(sub="x" * 65), "1 to 64 printable characters"),
    "an unprintable sub": (signed(sub="a\nb"), "1 to 64 printable characters"),
    "a sub with a direction mark": (signed(sub="a\u202eb"), "1 to 64 printable characters"),
    "the service itself": (signed(sub="system"), "name of the service's own"),
    "nobody": (signed(sub="anonymous"), "name of the service's own"),
    "an unknown role": (signed(role="admin"), "role is not customer or operator"),
    "the role of the system": (signed(role="system"), "role is not customer or operator"),
    "the role of nobody": (signed(role="anonymous"), "role is not customer or operator"),
    "an empty role": (signed(role=""), "role is not customer or operator"),
    "two roles": (signed(role=["operator"]), "role is not customer or operator"),
    "an audience that nobody set": (signed(aud="somebody"), "another audience"),
    "huge": (signed(note="x" * 9000), "more than 8192 characters"),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("what", REFUSED)
async def test_a_bad_token_is_refused_with_401_and_the_reason(
    guarded: httpx.AsyncClient, what: str, way: str
) -> None:
    token, words = REFUSED[what]

    answer = await guarded.get(URL, headers=WAYS[way](token))

    assert answer.status_code == 401
    assert answer.json()["code"] == "unauthenticated"
    assert words in answer.json()["message"]
    assert answer.headers["WWW-Authenticate"] == 'Bearer error="invalid_token"'


@pytest.mark.parametrize("sub", [7, ["alice"], {"name": "alice"}, True])
async def test_a_sub_that_is_no_text_is_refused(guarded: httpx.AsyncClient, sub: Any) -> None:
    claims = orjson.dumps(bearer_claims(sub=sub))  # PyJWT would make no such token
    token = jwt.api_jws.encode(claims, SECRET, "HS256")

    answer = await guarded.get(URL, headers=by_header(token))

    assert answer.status_code == 401
    assert "no user" in answer.json()["message"] or "no valid token" in answer.json()["message"]


@pytest.mark.parametrize("way", WAYS)
async def test_a_good_token_is_taken_for_whom_it_names(
    guarded: httpx.AsyncClient, way: str
) -> None:
    operator = await guarded.get(URL, headers=WAYS[way](signed(role="operator")))
    customer = await guarded.get(URL, headers=WAYS[way](signed(sub="x" * 64)))

    assert operator.status_code == 200
    assert customer.status_code == 403
    assert customer.json()["message"] == f"{'x' * 64} (customer) may not read revocation"


async def test_without_a_token_nobody_may_do_anything(guarded: httpx.AsyncClient) -> None:
    for headers in ({}, {"X-User": "a", "X-Role": "operator"}, {"Cookie": "token="}):
        for url in (URL, f"{URL}?user=alice&role=operator"):
            answer = await guarded.get(url, headers=headers)

            assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")
            assert answer.headers["WWW-Authenticate"] == "Bearer"


async def test_the_header_comes_before_the_cookie(guarded: httpx.AsyncClient) -> None:
    good, bad = signed(role="operator"), signed(OTHER)

    first = await guarded.get(URL, headers=by_header(good) | by_cookie(bad))
    second = await guarded.get(URL, headers=by_header(bad) | by_cookie(good))

    assert (first.status_code, second.status_code) == (200, 401)


@pytest.mark.parametrize(
    ("value", "status"),
    [
        ("bearer {}", 200),
        ("BEARER {}", 200),
        ("Bearer  {}", 200),
        ("Bearer", 401),
        ("Bearer ", 401),
        ("Bearer {} {}", 401),
        ("Token {}", 401),
        ("Basic YTpi", 401),
        ("{}", 401),
    ],
)
async def test_the_header_has_one_scheme(
    guarded: httpx.AsyncClient, value: str, status: int
) -> None:
    header = value.replace("{}", signed(role="operator"))

    assert (await guarded.get(URL, headers={"Authorization": header})).status_code == status


async def test_two_tokens_are_none_and_a_proxys_password_is_no_token(
    guarded: httpx.AsyncClient,
) -> None:
    token = ("Authorization", f"Bearer {signed(role='operator')}")

    twice = await guarded.get(URL, headers=[token, token])
    beside = await guarded.get(URL, headers=[("Authorization", "Basic YTpi"), token])

    assert twice.status_code == 401
    assert "more than one token" in twice.json()["message"]
    assert beside.status_code == 200


async def test_a_token_in_the_address_is_not_looked_at(guarded: httpx.AsyncClient) -> None:
    assert (await guarded.get(f"{URL}?token={signed(role='operator')}")).status_code == 401


async def test_a_revoked_token_is_refused_at_once_and_the_next_one_is_good(
    guarded: httpx.AsyncClient,
) -> None:
    operator = by_header(signed(sub="olga", role="operator"))
    headers = by_header(signed(role="operator", iat=NOW - 60))
    before = await guarded.get(URL, headers=headers)

    revoked = await guarded.post(URL, json={"user_id": "alice"}, headers=operator)

    assert (before.status_code, revoked.status_code) == (200, 201)
    for token in (signed(role="operator", iat=NOW - 60), signed(iat=None), signed(iat=NOW)):
        for way in WAYS.values():
            answer = await guarded.get(URL, headers=way(token))
            assert answer.status_code == 401
            assert answer.json()["message"] == "the token is revoked"
    assert (await guarded.get(URL, headers=operator)).status_code == 200
    later = by_header(signed(role="operator", iat=_second(revoked) + 1))
    assert (await guarded.get(URL, headers=later)).status_code == 200


def _second(revoked: httpx.Response) -> int:
    return int(datetime.fromisoformat(revoked.json()["revoked_at"]).timestamp())


async def test_an_operator_can_revoke_the_very_token_it_asks_with(
    guarded: httpx.AsyncClient,
) -> None:
    headers = by_header(signed(role="operator"))

    revoked = await guarded.post(URL, json={"user_id": "alice"}, headers=headers)

    assert revoked.status_code == 201
    assert (await guarded.get(URL, headers=headers)).status_code == 401


async def test_development_without_a_key_is_open_and_a_key_closes_it(opened: Open) -> None:
    async with opened(env=Env.DEVELOPMENT, jwt_secret="") as http:
        assert (await http.get(URL)).status_code == 200
        assert (await http.get(f"{URL}?user=a&role=operator")).status_code == 200
        assert (await http.get(URL, headers={"X-User": "a"})).status_code == 403
    async with opened(env=Env.DEVELOPMENT) as http:
        assert (await http.get(URL)).status_code == 401
        assert (await http.get(f"{URL}?user=a&role=operator")).status_code == 401
        assert (await http.get(URL, headers={"X-User": "a"})).status_code == 401
        assert (await http.get(URL, headers=by_header(signed(role="operator")))).status_code == 200


async def test_without_a_key_a_token_is_refused_and_a_cookie_is_somebody_elses(
    http: httpx.AsyncClient,
) -> None:
    token = await http.get(URL, headers=by_header(signed()))
    cookie = await http.get(URL, headers=by_cookie("of-another-service"))

    assert token.status_code == 401
    assert "no key to check tokens with" in token.json()["message"]
    assert cookie.status_code == 200


@pytest.mark.parametrize("name", ["system", "anonymous", "x" * 65, "a\u202eb"])
async def test_nobody_takes_a_name_of_the_services_own(http: httpx.AsyncClient, name: str) -> None:
    answer = await http.get(URL, params={"user": name, "role": "operator"})

    assert (answer.status_code, answer.json()["code"]) == (422, "invalid")


OWN_PAGE, OTHER_PAGE = {"Origin": OWN}, {"Origin": "https://evil.com"}
SAME, CROSS = {"Sec-Fetch-Site": "same-origin"}, {"Sec-Fetch-Site": "cross-site"}
ALLOWED = {"Origin": "https://app.example.com", "Sec-Fetch-Site": "cross-site"}


@pytest.mark.parametrize(
    ("page", "status"),
    [
        ({}, 201),
        (OWN_PAGE, 201),
        (SAME, 201),
        (ALLOWED, 201),
        (OTHER_PAGE, 403),
        (OTHER_PAGE | CROSS, 403),
        (CROSS, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": f"{OWN}:8080"}, 403),
    ],
)
async def test_a_page_of_another_origin_cannot_use_a_visitors_cookie(
    opened: Open, page: dict[str, str], status: int
) -> None:
    token = signed(role="operator")
    async with opened(allowed_origins="https://app.example.com") as http:
        cookie, header = by_cookie(token) | page, by_header(token) | page

        written = await http.post(URL, json={"user_id": "bob"}, headers=cookie)
        by_token = await http.post(URL, json={"user_id": "bob"}, headers=header)
        read = await http.get(URL, headers=cookie)

    assert written.status_code == status
    assert written.json().get("code") == ("forbidden" if status == 403 else None)
    assert by_token.status_code == 201, "no page has a visitor's token by itself"
    assert read.status_code == 200, "what it is answered, the browser keeps from the page"


async def test_a_page_of_another_origin_cannot_use_an_open_service(http: httpx.AsyncClient) -> None:
    local = {"Origin": "http://localhost:5173", "Sec-Fetch-Site": "same-site"}

    foreign = await http.post(f"{URL}?user=a&role=operator", headers=OTHER_PAGE, json={})
    ours = await http.post(URL, headers=local, json={"user_id": "bob"})

    assert (foreign.status_code, foreign.json()["code"]) == (403, "forbidden")
    assert ours.status_code == 201


REACHED = {
    "localhost": True,
    "LOCALHOST:3000": True,
    "127.0.0.1:3000": True,
    "[::1]:3000": True,
    "192.168.1.7:3000": True,
    "evil.example:3000": False,
    "127.0.0.1.evil.example": False,
    "localhost.": False,
    "localhost@evil.example": False,
    "": False,
}


@pytest.mark.parametrize("host", REACHED)
async def test_an_open_service_is_asked_by_an_address_or_as_this_machine(
    http: httpx.AsyncClient, host: str
) -> None:
    by = {"Host": host, "X-User": "olga", "X-Role": "operator"}

    answers = [
        await http.get("/api/v1/snapshot", headers=by),
        await http.get("/api/v1/log", headers=by),
        await http.get("/api/v1/events?since=0&topics=weather", headers=by),
        await http.post(URL, json={"user_id": "bob"}, headers=by),
    ]

    statuses = [200, 200, 422, 201] if REACHED[host] else [403] * 4
    assert [answer.status_code for answer in answers] == statuses
    if not REACHED[host]:
        assert "APP_ALLOWED_ORIGINS" in answers[0].json()["message"]


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/dashboard/main.js",
        "/docs",
        "/openapi.json",
        "/asyncapi.json",
        "/metrics",
        "/health/ready",
        "/nowhere",
    ],
)
async def test_of_an_open_service_a_stranger_name_is_shown_nothing(
    http: httpx.AsyncClient, path: str
) -> None:
    own = await http.get(path)
    answer = await http.get(path, headers={"Host": "evil.example:3000"})

    assert own.status_code == (404 if path == "/nowhere" else 200)
    assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")


@pytest.mark.parametrize("allowed", ["http://dev.box:5173, http://a.box", "*"])
async def test_an_open_service_is_asked_by_a_name_that_its_operator_allows(
    opened: Open, allowed: str
) -> None:
    async with opened(env=Env.DEVELOPMENT, jwt_secret="", allowed_origins=allowed) as http:
        named = await http.get(URL, headers={"Host": "dev.box:3000"})
        local = await http.get(URL, headers={"Host": "localhost:3000"})
        other = await http.get(URL, headers={"Host": "x.dev.box:3000"})

    assert (named.status_code, local.status_code) == (200, 200)
    assert other.status_code == (200 if allowed == "*" else 403)


@pytest.mark.parametrize("env", Env)
async def test_with_a_key_a_service_is_asked_by_any_name(opened: Open, env: Env) -> None:
    headers = by_header(signed(role="operator")) | {"Host": "api.example.com"}
    async with opened(env=env) as http:
        assert (await http.get(URL, headers=headers)).status_code == 200
        assert (await http.get(URL, headers=by_cookie(signed(role="operator")))).status_code == 200


ASKS = {
    "Access-Control-Request-Method": "POST",
    "Access-Control-Request-Headers": "authorization,content-type,idempotency-key,if-none-match,"
    "last-event-id,x-correlation-id",
}


async def test_a_browser_is_told_which_pages_may_ask_and_read(opened: Open) -> None:
    page = {"Origin": "https://app.example.com"}
    async with opened(allowed_origins="https://APP.example.com:443, https://b.example.com") as http:
        asked = await http.options(URL, headers=ASKS | page)
        foreign = await http.options(URL, headers=ASKS | OTHER_PAGE)
        answer = await http.get(URL, headers=page)
        kept = await http.get(URL, headers=OTHER_PAGE)

    assert asked.status_code == 200
    assert asked.headers["access-control-allow-origin"] == page["Origin"]
    assert asked.headers["access-control-allow-credentials"] == "true"
    assert foreign.status_code == 400
    assert "access-control-allow-origin" not in foreign.headers
    assert answer.status_code == 401
    assert answer.headers["access-control-allow-origin"] == page["Origin"]
    assert {"ETag", "Location", "Retry-After", "X-Correlation-ID"} <= set(
        answer.headers["access-control-expose-headers"].split(", ")
    )
    assert "access-control-allow-origin" not in kept.headers


async def test_any_page_may_read_what_needs_no_cookie(opened: Open) -> None:
    async with opened(env=Env.DEVELOPMENT, allowed_origins="*") as http:
        answer = await http.get(URL, headers=OTHER_PAGE)

    assert answer.headers["access-control-allow-origin"] == "*"
    assert "access-control-allow-credentials" not in answer.headers


@pytest.mark.parametrize(
    ("origin", "may"),
    [
        ("http://localhost:5173", True),
        ("http://[::1]:5173", True),
        ("http://localhost.evil.com", False),
        ("null", False),
    ],
)
async def test_in_development_this_machines_pages_may_read(
    http: httpx.AsyncClient, origin: str, may: bool
) -> None:
    answer = await http.get(URL, headers={"Origin": origin})

    assert (answer.headers.get("access-control-allow-origin") == origin) is may


async def test_in_production_no_other_page_may_read_by_default(guarded: httpx.AsyncClient) -> None:
    answer = await guarded.options(URL, headers=ASKS | {"Origin": "http://localhost:3000"})

    assert answer.status_code == 405
    assert "access-control-allow-origin" not in answer.headers
