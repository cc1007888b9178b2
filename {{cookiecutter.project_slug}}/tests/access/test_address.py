"""Where a client is: what a proxy says counts if the proxy is trusted, and nothing else does."""

from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from starlette.requests import Request

from app.access.address import UNKNOWN, address_of, counted, proxies_of
from app.bootstrap import create_app
from app.core.rejected import StartRefused
from app.settings import Settings

pytestmark = pytest.mark.anyio

PROXY, CLIENT, OTHER, FORGED = "10.0.0.1", "203.0.113.7", "203.0.113.8", "198.51.100.66"
TRUSTED = "10.0.0.0/8, 2001:db8:ffff::/48"


def app_that_tells(trusted: str) -> FastAPI:
    """The application, with a route that says where it sees its client."""
    app = create_app(Settings(_env_file=None, trusted_proxies=trusted))  # type: ignore[call-arg]

    async def where(request: Request) -> dict[str, Any]:
        return {"address": address_of(request), "scheme": request.url.scheme}

    app.add_api_route("/where", where)
    return app


async def seen(peer: str, *headers: tuple[str, str], trusted: str = TRUSTED) -> dict[str, Any]:
    transport = httpx.ASGITransport(app_that_tells(trusted), client=(peer, 50000))
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        found: dict[str, Any] = (await client.get("/where", headers=list(headers))).json()
        return found


# What it is; the peer; each X-Forwarded-For header, in order; where the client is.
FORWARDED = {
    "no header": (PROXY, [], PROXY),
    "an empty header": (PROXY, [""], PROXY),
    "a peer that is not trusted": (OTHER, [FORGED], OTHER),
    "one that is not trusted and names a proxy": (OTHER, [f"{FORGED}, {PROXY}"], OTHER),
    "one proxy": (PROXY, [CLIENT], CLIENT),
    "a forged part before the client": (PROXY, [f"{FORGED}, {CLIENT}"], CLIENT),
    "many forged parts": (PROXY, [", ".join([FORGED] * 50 + [CLIENT])], CLIENT),
    "a chain of proxies": (PROXY, [f"{CLIENT}, 10.0.0.3, 10.0.0.2"], CLIENT),
    "a forged part before a chain": (PROXY, [f"{FORGED}, {CLIENT}, 10.0.0.2"], CLIENT),
    "a forged proxy before the client": (PROXY, [f"{FORGED}, 10.0.0.9, {CLIENT}"], CLIENT),
    "a forged header before the proxy's": (PROXY, [FORGED, CLIENT], CLIENT),
    "a chain in several headers": (PROXY, [FORGED, CLIENT, "10.0.0.2"], CLIENT),
    "a client among the proxies": (PROXY, ["10.0.0.9"], "10.0.0.9"),
    "no spaces": (PROXY, [f"{FORGED},{CLIENT}"], CLIENT),
    "many spaces": (PROXY, [f"  {FORGED}  ,  {CLIENT}  "], CLIENT),
    "a port": (PROXY, [f"{CLIENT}:1234"], CLIENT),
    "IPv6": (PROXY, ["2001:db8:1:2:3:4:5:6"], "2001:db8:1:2::/64"),
    "IPv6 in brackets": (PROXY, ["[2001:db8:1:2:3:4:5:6]"], "2001:db8:1:2::/64"),
    "IPv6 with a port": (PROXY, ["[2001:db8:1:2:3:4:5:6]:443"], "2001:db8:1:2::/64"),
    "IPv4 written as IPv6": (PROXY, [f"::ffff:{CLIENT}"], CLIENT),
    "a proxy by IPv6": ("2001:db8:ffff::1", [CLIENT], CLIENT),
    "another by IPv6": ("2001:db8:fffe::1", [CLIENT], "2001:db8:fffe::/64"),
    "a proxy by IPv4 written as IPv6": (f"::ffff:{PROXY}", [CLIENT], CLIENT),
    "a hop by IPv4 written as IPv6": (PROXY, [f"{CLIENT}, ::ffff:10.0.0.2"], CLIENT),
    "another by IPv4 written as IPv6": (f"::ffff:{OTHER}", [CLIENT], OTHER),
    "garbage": (PROXY, ["<script>"], UNKNOWN),
    "garbage before the client": (PROXY, [f"<script>, {CLIENT}"], CLIENT),
    "a name": (PROXY, ["localhost"], UNKNOWN),
    "an open bracket": (PROXY, ["[::1"], UNKNOWN),
    "a number too many": (PROXY, [f"{CLIENT}.1"], UNKNOWN),
    "a leading zero": (PROXY, ["203.0.113.07"], UNKNOWN),
    "a whole number": (PROXY, ["3405803783"], UNKNOWN),
    "something long": (PROXY, ["1" * 5000], UNKNOWN),
    "a comma at the end": (PROXY, [f"{CLIENT}, "], PROXY),
}


@pytest.mark.parametrize("what", FORWARDED)
async def test_the_client_is_whom_the_last_trusted_proxy_has_seen(what: str) -> None:
    peer, values, address = FORWARDED[what]

    found = await seen(peer, *(("X-Forwarded-For", value) for value in values))

    assert found["address"] == address


def test_what_is_too_long_for_an_address_is_none() -> None:
    client = (f"fe80::1%{'x' * 60}", 1)

    assert address_of(Request({"type": "http", "client": client})) == UNKNOWN


async def test_by_default_no_proxy_is_trusted_not_even_one_on_this_machine() -> None:
    for peer in (PROXY, "127.0.0.1"):
        headers = ("X-Forwarded-For", CLIENT), ("X-Forwarded-Proto", "https")

        found = await seen(peer, *headers, trusted="")

        assert found == {"address": peer, "scheme": "http"}


async def test_other_headers_of_proxies_say_nothing() -> None:
    for name in ("X-Real-IP", "Forwarded", "X-Client-IP", "CF-Connecting-IP", "True-Client-IP"):
        assert (await seen(PROXY, (name, f"for={CLIENT}")))["address"] == PROXY


async def test_a_trusted_proxy_says_which_scheme_the_client_has_used() -> None:
    trusted = await seen(PROXY, ("X-Forwarded-Proto", "https"))
    untrusted = await seen(OTHER, ("X-Forwarded-Proto", "https"))
    garbage = await seen(PROXY, ("X-Forwarded-Proto", "gopher"))

    assert (trusted["scheme"], untrusted["scheme"], garbage["scheme"]) == ("https", "http", "http")


def test_a_network_of_ipv6_is_one_client_and_its_neighbour_is_another() -> None:
    one, same, next_one = "2001:db8::1", "2001:db8::ffff:ffff:ffff:ffff", "2001:db8:0:1::1"

    assert counted(one) == counted(same) != counted(next_one)
    assert counted("fe80::1%eth0") == counted("fe80::2")


@pytest.mark.parametrize(
    "wrong", ["*", "10.0.0.1/8", "10.0.0/8", "proxy.internal", "10.0.0.1 10.0.0.2"]
)
def test_what_is_no_network_is_refused_in_words(wrong: str) -> None:
    trusted = f"192.0.2.1,{wrong}"
    settings = Settings(_env_file=None, trusted_proxies=trusted)  # type: ignore[call-arg]

    with pytest.raises(StartRefused) as taken:
        proxies_of(settings)

    assert f"APP_TRUSTED_PROXIES has {wrong!r}" in str(taken.value)
    assert "for example 10.0.0.0/8" in str(taken.value)
