"""Where a client is, as far as it can be counted: its address, or the network that is one client's.

Behind proxies uvicorn's ProxyHeadersMiddleware, which bootstrap adds, has put the client's address
into the scope, and the scheme it used, if the peer is one of APP_TRUSTED_PROXIES.
"""

from functools import lru_cache
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)

from starlette.requests import HTTPConnection

from app.core.rejected import StartRefused
from app.settings import Settings

UNKNOWN = "unknown"
LONGEST = 64


def address_of(connection: HTTPConnection) -> str:
    """The address by which the client is counted; UNKNOWN, one for all, if it cannot be read."""
    client = connection.client
    if client is None or len(client.host) > LONGEST:
        return UNKNOWN
    return counted(client.host)


@lru_cache(4096)
def counted(host: str) -> str:
    """The address, or of IPv6 its /64: that much one client has (RFC 6177, 2).

    An IPv4 address that is written as IPv6 is an IPv4 address (RFC 4291, 2.5.5.2).
    """
    try:
        address = ip_address(host)
    except ValueError:
        return UNKNOWN
    match address:
        case IPv4Address():
            return str(address)
        case IPv6Address(ipv4_mapped=IPv4Address() as mapped):
            return str(mapped)
        case _:
            return str(IPv6Network((int(address), 64), strict=False))


def proxies_of(settings: Settings) -> list[str]:
    """The networks whose word on where a client is counts; raises StartRefused for what is none.

    An IPv4 network is also named as IPv6, as a listener for both sees it.
    """
    networks = [
        _network(text) for part in settings.trusted_proxies.split(",") if (text := part.strip())
    ]
    mapped = [_mapped(network) for network in networks if isinstance(network, IPv4Network)]
    return [str(network) for network in (*networks, *mapped)]


def _network(text: str) -> IPv4Network | IPv6Network:
    try:
        return ip_network(text)
    except ValueError as problem:
        raise StartRefused(
            f"APP_TRUSTED_PROXIES has {text!r}: {problem}; an address or a network is meant, for "
            "example 10.0.0.0/8, with commas between several"
        ) from None


def _mapped(network: IPv4Network) -> IPv6Network:
    return IPv6Network(f"::ffff:{network.network_address}/{96 + network.prefixlen}")
