"""Where the service listens: alone at its port, or with the other workers of one service."""

import errno
import os
import socket
from typing import TypeAlias

from app.core.rejected import StartRefused

BACKLOG = 2048
STUCK_SECONDS = 30
# They come as an `errno`, though they are of getaddrinfo (RFC 3493, 6.1).
NAME_ERRORS = {socket.EAI_NONAME, socket.EAI_AGAIN, socket.EAI_FAIL}

# A host, and a port that is not 0.
Address: TypeAlias = tuple[str, int]


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens; raises StartRefused when the address cannot be had."""
    return _opened(host, port, shared=False)


def reserve(host: str, port: int) -> socket.socket:
    """A socket that holds an address for workers, and takes no connection itself.

    Raises StartRefused when somebody listens there, be it another service with workers.
    """
    with listen(host, port) as alone:
        host, port = alone.getsockname()[:2]
    held = socket.socket(_family(host), socket.SOCK_STREAM)
    if _is_for_both(host):
        held.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    for option in (socket.SO_REUSEADDR, socket.SO_REUSEPORT):
        held.setsockopt(socket.SOL_SOCKET, option, 1)
    try:
        held.bind((host, port))
    except OSError as problem:
        held.close()
        raise _refusal(host, port, problem) from None
    # It was for connections of the past. Where nobody listens, it would let anybody in who says it.
    held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 0)
    return held


def listen_too(address: Address) -> socket.socket:
    """A socket that listens beside those of other workers.

    The kernel gives each new connection to one of them, by a hash of both addresses: evenly,
    however long connections last and however many come at once (socket(7), SO_REUSEPORT).
    """
    return _opened(*address, shared=True)


def written(address: Address) -> str:
    """The address as a URL has it (RFC 3986, 3.2.2)."""
    host, port = address
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _opened(host: str, port: int, *, shared: bool) -> socket.socket:
    try:
        listener = socket.create_server(
            (host, port),
            family=_family(host),
            backlog=BACKLOG,
            reuse_port=shared,
            dualstack_ipv6=_is_for_both(host),
        )
    except OSError as problem:
        raise _refusal(host, port, problem) from None
    if hasattr(socket, "TCP_USER_TIMEOUT"):
        # Connections inherit it: a peer that takes nothing for so long is gone (RFC 5482).
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, STUCK_SECONDS * 1000)
    return listener


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET


def _is_for_both(host: str) -> bool:
    """Whether this is every address, those of IPv4, too."""
    return host == "::" and socket.has_dualstack_ipv6()


def _refusal(host: str, port: int, problem: OSError) -> StartRefused:
    words, remedy = os.strerror(problem.errno or 0), "set APP_HOST and APP_PORT"
    if problem.errno in NAME_ERRORS:
        words, remedy = f"the host {host} is not known", "set APP_HOST"
    elif problem.errno == errno.EADDRINUSE:
        remedy = f"stop what listens there, or {remedy}"
    return StartRefused(f"cannot listen on {written((host, port))}: {words}; {remedy}")
