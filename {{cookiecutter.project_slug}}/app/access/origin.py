"""Which pages may speak to the service: a browser says what page it speaks for (RFC 6454)."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address
from typing import NamedTuple

from starlette.requests import HTTPConnection

from app.core.rejected import Code, Rejected, StartRefused
from app.settings import Env, Settings

ANY = "*"
LOCAL_HOSTS = ("localhost", "127.0.0.1", "[::1]")
LOCAL_PATTERN = r"https?://(localhost|127\.0\.0\.1|\[::1\])(:[0-9]+)?"
PORTS = {"http": 80, "https": 443}
SCHEMES = {"ws": "http", "wss": "https"}
SERIALISED = re.compile(
    r"(?P<scheme>[a-z][a-z0-9+.-]*)://(?P<host>\[[0-9a-f:.]+\]|[a-z0-9._-]+)(:(?P<port>[0-9]{1,5}))?"
)


class Origin(NamedTuple):
    """What two addresses have in common that trust each other; `port` is None for an odd scheme."""

    scheme: str
    host: str
    port: int | None

    def __str__(self) -> str:
        is_default = self.port == PORTS.get(self.scheme)
        return f"{self.scheme}://{self.host}" + ("" if is_default else f":{self.port}")


@dataclass(frozen=True, slots=True)
class Origins:
    """Origins that may speak to the service, besides its own, which has a name or an address."""

    named: frozenset[Origin] = frozenset()
    local: bool = False
    any: bool = False
    trusts_names: bool = True

    def allows(self, origin: Origin) -> bool:
        """Whether a page of this origin may."""
        is_local = origin.scheme in PORTS and origin.host in LOCAL_HOSTS
        return self.any or (self.local and is_local) or origin in self.named


def parse_origin(text: str) -> Origin | None:
    """The origin that is written so, or None: it has no path, no user, and is not `null`."""
    match = SERIALISED.fullmatch(text.lower())
    if match is None:
        return None
    scheme, host = match["scheme"], match["host"]
    port = int(match["port"]) if match["port"] else PORTS.get(scheme)
    if port is not None and not 0 < port < 1 << 16:
        return None
    if host.startswith("["):
        try:
            host = f"[{IPv6Address(host[1:-1]).compressed}]"
        except ValueError:
            return None
    return Origin(scheme, host, port)


def origins_of(settings: Settings) -> Origins:
    """Those of the settings; raises StartRefused for what is no origin.

    By default there are none in production, and in development those of this machine.
    """
    if wrong := "; ".join(problems(settings)):
        raise StartRefused(wrong)
    names = _names(settings)
    return Origins(
        named=frozenset(origin for name in names if (origin := parse_origin(name))),
        local=not names and settings.env is Env.DEVELOPMENT,
        any=ANY in names,
        trusts_names=not settings.is_open,
    )


def problems(settings: Settings) -> Iterator[str]:
    """Everything that is wrong with the setting, in words."""
    for name in _names(settings):
        if name == ANY and settings.env is Env.PRODUCTION:
            yield (
                "APP_ALLOWED_ORIGINS is *, and in production not every page of the web may speak "
                "for its visitors: name those that may, for example https://app.example.com"
            )
        elif name != ANY and parse_origin(name) is None:
            yield (
                f"APP_ALLOWED_ORIGINS has {name!r}: an origin is a scheme, a host and perhaps a "
                "port, for example https://app.example.com or http://localhost:5173, with nothing "
                "behind it; commas stand between several"
            )


def require_allowed_origin(connection: HTTPConnection) -> None:
    """Raise Rejected (forbidden) for a page that may not speak to the service.

    For a WebSocket's handshake, before it is answered: browsers open one to any address, whatever
    the page, and send their cookies along. Who sends no Origin is no browser (RFC 6455, 10.2).
    """
    given = connection.headers.getlist("origin")
    if not given:
        return
    origin = parse_origin(given[0]) if len(given) == 1 else None
    origins: Origins = connection.app.state.origins
    is_own = is_certain(connection) and origin == own_origin(connection)
    if origin is None or not (is_own or origins.allows(origin)):
        raise Rejected(
            Code.FORBIDDEN,
            f"a page of {given[0][:100]!r} may not speak to this service: its operator names "
            "those that may in APP_ALLOWED_ORIGINS",
        )


def require_own_or_allowed_origin(connection: HTTPConnection) -> None:
    """Raise Rejected (forbidden) for a request that a browser makes for a page that may not.

    `Sec-Fetch-Site`, which no page can forge, says so of the service's own pages behind any proxy
    (Fetch Metadata, 2.3); for all others the Origin must be allowed.
    """
    site = connection.headers.get("sec-fetch-site")
    if site in ("same-origin", "none") and is_certain(connection):
        return
    if site is not None and "origin" not in connection.headers:
        raise Rejected(Code.FORBIDDEN, "a page of another site may not speak for its visitors")
    require_allowed_origin(connection)


def require_known_host(connection: HTTPConnection) -> None:
    """Raise Rejected (forbidden) while everybody is an operator, for a Host that may be anybody's.

    Whether a page asks, nothing tells then: with a GET of its own origin, by plain HTTP, a browser
    sends neither `Origin` nor `Sec-Fetch-Site`.
    """
    origins: Origins = connection.app.state.origins
    own = own_origin(connection)
    is_named = own is not None and own.host in {origin.host for origin in origins.named}
    if not (is_named or origins.any or is_certain(connection)):
        given = connection.headers.get("host", "")[:100]
        raise Rejected(
            Code.FORBIDDEN,
            f"whoever owns the name {given!r} could read everything here, where nobody needs a "
            "token: ask 127.0.0.1 or localhost instead, name an origin with that host in "
            "APP_ALLOWED_ORIGINS, or set a key (APP_JWT_SECRET)",
        )


def is_certain(connection: HTTPConnection) -> bool:
    """Whether a page of the origin that is asked can only be the service's own.

    While everybody is an operator, that is believed of addresses and of this machine alone: whoever
    owns a name can have it point here, for a page that came from elsewhere (DNS rebinding).
    """
    origins: Origins = connection.app.state.origins
    own = own_origin(connection)
    return origins.trusts_names or (own is not None and (own.host in LOCAL_HOSTS or _is_ip(own)))


def own_origin(connection: HTTPConnection) -> Origin | None:
    """The origin at which the service was asked; the scheme is a proxy's where that is trusted."""
    scheme = connection.scope["scheme"]
    return parse_origin(f"{SCHEMES.get(scheme, scheme)}://{connection.headers.get('host', '')}")


def _is_ip(origin: Origin) -> bool:
    try:
        ip_address(origin.host.strip("[]"))
    except ValueError:
        return False
    return True


def _names(settings: Settings) -> list[str]:
    return [name.strip() for name in settings.allowed_origins.split(",") if name.strip()]
