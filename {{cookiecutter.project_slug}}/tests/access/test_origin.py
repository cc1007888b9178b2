"""Origins: which pages may speak to the service."""

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from starlette.requests import HTTPConnection

from app.access.origin import (
    Origins,
    origins_of,
    require_allowed_origin,
    require_own_or_allowed_origin,
)
from app.core.rejected import Code, Rejected, StartRefused
from app.settings import Env
from tests.access.keys import settings_of

NAMED = "https://app.example.com, http://[::1]:8080,https://b.example.com:8443,app://shop"


def origins(env: Env, allowed: str = "") -> Origins:
    return origins_of(settings_of(env=env, allowed_origins=allowed))


def connection(allowed: Origins, scheme: str, **headers: str) -> HTTPConnection:
    raw = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    app: Any = SimpleNamespace(state=SimpleNamespace(origins=allowed))
    return HTTPConnection({"type": "websocket", "scheme": scheme, "headers": raw, "app": app})


def is_allowed(
    allowed: Origins, origin: str, *, host: str = "api.test", scheme: str = "ws"
) -> bool:
    try:
        require_allowed_origin(connection(allowed, scheme, host=host, origin=origin))
    except Rejected as refusal:
        return refusal.code is not Code.FORBIDDEN
    return True


IN_PRODUCTION = {
    "https://app.example.com": True,
    "HTTPS://APP.Example.COM": True,
    "https://app.example.com:443": True,
    "https://b.example.com:8443": True,
    "http://[0:0:0:0:0:0:0:1]:8080": True,
    "app://shop": True,
    "http://app.example.com": False,
    "https://app.example.com:444": False,
    "https://b.example.com": False,
    "https://app.example.com.": False,
    "https://app.example.com.evil.com": False,
    "https://evil-app.example.com": False,
    "https://x.app.example.com": False,
    "https://user@app.example.com": False,
    "https://app.example.com@evil.com": False,
    "https://app.example.com/": False,
    "https://app.example.com/path": False,
    "https://app.example.com?x": False,
    "https://app.example.com#x": False,
    "https://app.example.com:": False,
    "https://app.example.com:0": False,
    "https://app.example.com:99999": False,
    "https://app.example.com https://evil.com": False,
    "https:app.example.com": False,
    "//app.example.com": False,
    "app.example.com": False,
    "http://[::1": False,
    "http://[::1]": False,
    "http://[::zz]:8080": False,
    "http://localhost:3000": False,
    "http://127.0.0.1": False,
    "null": False,
    "*": False,
    "": False,
    " ": False,
    "https://": False,
    "https://app.example.com\n": False,
    "https://\xe4pp.example.com": False,
}


@pytest.mark.parametrize("origin", IN_PRODUCTION)
def test_in_production_an_origin_is_allowed_by_scheme_host_and_port(origin: str) -> None:
    assert is_allowed(origins(Env.PRODUCTION, NAMED), origin) is IN_PRODUCTION[origin]


IN_DEVELOPMENT = {
    "http://localhost": True,
    "http://localhost:5173": True,
    "https://localhost:8443": True,
    "http://LOCALHOST:3000": True,
    "http://127.0.0.1:3000": True,
    "http://[::1]:3000": True,
    "http://localhost.evil.com": False,
    "http://localhost.": False,
    "http://evil.com#localhost": False,
    "http://localhost@evil.com": False,
    "http://127.0.0.1.evil.com": False,
    "http://127.0.0.2": False,
    "http://sub.localhost": False,
    "http://[::2]": False,
    "ftp://localhost": False,
    "http://192.168.1.5:3000": False,
    "null": False,
}


@pytest.mark.parametrize("origin", IN_DEVELOPMENT)
def test_in_development_this_machine_is_allowed_and_nothing_that_looks_like_it(origin: str) -> None:
    assert is_allowed(origins(Env.DEVELOPMENT), origin) is IN_DEVELOPMENT[origin]


def test_origins_that_are_named_take_the_place_of_this_machine() -> None:
    named = origins(Env.DEVELOPMENT, "https://app.example.com")

    assert is_allowed(named, "https://app.example.com")
    assert not is_allowed(named, "http://localhost:3000")


def test_a_star_allows_every_page_that_has_an_origin() -> None:
    every = origins(Env.DEVELOPMENT, "*")

    assert is_allowed(every, "https://evil.com")
    assert not is_allowed(every, "null")


@pytest.mark.parametrize(
    ("scheme", "host", "origin", "is_own"),
    [
        ("ws", "api.test:3000", "http://api.test:3000", True),
        ("ws", "api.test", "http://api.test:80", True),
        ("ws", "API.test:80", "http://api.test", True),
        ("wss", "api.test", "https://api.test", True),
        ("https", "api.test", "https://api.test", True),
        ("ws", "[::1]:3000", "http://[::1]:3000", True),
        ("ws", "api.test:3000", "http://api.test", False),
        ("ws", "api.test", "https://api.test", False),
        ("wss", "api.test", "http://api.test", False),
        ("ws", "", "http://", False),
        ("ws", "null", "null", False),
        ("ws", "a@api.test", "http://a@api.test", False),
    ],
)
def test_the_services_own_origin_is_always_allowed(
    scheme: str, host: str, origin: str, is_own: bool
) -> None:
    nobody = origins(Env.PRODUCTION)

    assert is_allowed(nobody, origin, host=host, scheme=scheme) is is_own


@pytest.mark.parametrize(
    ("host", "is_certain"),
    [
        ("localhost:3000", True),
        ("127.0.0.1:3000", True),
        ("192.168.1.7:3000", True),
        ("[fd00::7]:3000", True),
        ("evil.example:3000", False),
        ("api.test", False),
        ("127.0.0.1.evil.example", False),
    ],
)
def test_while_everybody_is_an_operator_a_name_may_be_anybodys(host: str, is_certain: bool) -> None:
    nobody = replace(origins_of(settings_of(env=Env.DEVELOPMENT)), local=False)
    same = connection(nobody, "http", host=host, sec_fetch_site="same-origin")

    assert is_allowed(nobody, f"http://{host}", host=host) is is_certain
    if is_certain:
        require_own_or_allowed_origin(same)
    else:
        same.scope["headers"].append((b"origin", f"http://{host}".encode()))
        with pytest.raises(Rejected, match="may not speak"):
            require_own_or_allowed_origin(same)


def test_who_sends_no_origin_is_no_browser() -> None:
    require_allowed_origin(connection(origins(Env.PRODUCTION), "ws", host="api.test"))


def test_two_origins_are_none() -> None:
    allowed = origins(Env.PRODUCTION, NAMED)
    twice = connection(allowed, "ws", origin="https://app.example.com")
    twice.scope["headers"] *= 2

    with pytest.raises(Rejected, match="may not speak"):
        require_allowed_origin(twice)


@pytest.mark.parametrize(
    ("headers", "passes"),
    [
        ({}, True),
        ({"sec_fetch_site": "same-origin"}, True),
        ({"sec_fetch_site": "none"}, True),
        ({"sec_fetch_site": "same-origin", "origin": "https://behind.a.proxy"}, True),
        ({"sec_fetch_site": "same-site", "origin": "https://app.example.com"}, True),
        ({"sec_fetch_site": "cross-site", "origin": "https://app.example.com"}, True),
        ({"origin": "https://app.example.com"}, True),
        ({"origin": "http://api.test"}, True),
        ({"sec_fetch_site": "cross-site", "origin": "https://evil.com"}, False),
        ({"sec_fetch_site": "same-site", "origin": "https://x.example.com"}, False),
        ({"sec_fetch_site": "cross-site"}, False),
        ({"sec_fetch_site": "same-site"}, False),
        ({"sec_fetch_site": "nonsense"}, False),
        ({"origin": "https://evil.com"}, False),
        ({"origin": "null"}, False),
    ],
)
def test_a_request_that_a_page_makes_must_be_one_that_may(
    headers: dict[str, str], passes: bool
) -> None:
    allowed = origins(Env.PRODUCTION, NAMED)
    asked = connection(allowed, "http", host="api.test", **headers)

    if passes:
        require_own_or_allowed_origin(asked)
    else:
        with pytest.raises(Rejected) as refused:
            require_own_or_allowed_origin(asked)
        assert refused.value.code is Code.FORBIDDEN


@pytest.mark.parametrize(
    "wrong",
    [
        "https://a.com/",
        "a.com",
        "https://*.a.com",
        "null",
        "https://a.com;https://b.com",
        "https://ä.de",
        "https://a.com:65536",
    ],
)
def test_what_is_no_origin_is_refused_in_words(wrong: str) -> None:
    with pytest.raises(StartRefused, match=r"for example https://app\.example\.com") as refused:
        origins(Env.DEVELOPMENT, f"https://good.com,{wrong}")

    assert "good.com" not in str(refused.value)
