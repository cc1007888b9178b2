"""Where a NATS server, or a cluster of them, is: what APP_EVENT_LOG says of it."""

import re
from dataclasses import dataclass
from urllib.parse import parse_qsl, unquote, urlsplit

from app.core.rejected import StartRefused

SCHEMES = ("nats", "tls")
PORT = 4222
REPLICAS = ("1", "3", "5")
STREAM = re.compile(r"[A-Za-z0-9_-]{1,32}")
EXAMPLE = "use nats://user:password@host:4222, or nats://a:4222,b:4222,c:4222/?replicas=3"


@dataclass(frozen=True, slots=True)
class Address:
    """Servers of one cluster, such as `("nats://a:4222", "nats://b:4222")`, and a stream there.

    `name` is the address without what is secret in it: a password, or a token.
    """

    servers: tuple[str, ...]
    name: str
    stream: str
    replicas: int
    user: str | None = None
    password: str | None = None
    token: str | None = None

    @property
    def is_encrypted(self) -> bool:
        """Whether nothing may be said in the clear."""
        return self.servers[0].startswith("tls://")


def address_of(url: str) -> Address:
    """What a URL says; raises StartRefused, in words that do not repeat it, for it has secrets."""
    scheme, _, rest = url.partition("://")
    before, _, query = rest.partition("?")
    network, _, path = before.partition("/")
    login, at, hosts = network.rpartition("@")
    # An @ in the query: a password with a ? in it.
    if scheme not in SCHEMES or path or not hosts or "@" in query:
        raise StartRefused(f"APP_EVENT_LOG is no address of a NATS server; {EXAMPLE}")
    servers = tuple(_server(scheme, host) for host in hosts.split(","))
    stream, replicas = _choices(query)
    user, is_pair, password = (unquote(part) for part in login.partition(":"))
    shown = f"{user}@" if is_pair else ""
    name = f"{scheme}://{shown}{','.join(server.partition('://')[2] for server in servers)}"
    if is_pair:
        return Address(servers, f"{name}/{stream}", stream, replicas, user, password)
    return Address(servers, f"{name}/{stream}", stream, replicas, token=user if at else None)


def _server(scheme: str, host: str) -> str:
    try:
        parts = urlsplit(f"{scheme}://{host}")
        port = parts.port or PORT
    except ValueError:
        parts, port = urlsplit(""), 0
    if not parts.hostname:
        words = f"APP_EVENT_LOG: {host!r} is no host and port of a NATS server; {EXAMPLE}"
        raise StartRefused(words)
    hostname = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return f"{scheme}://{hostname}:{port}"


def _choices(query: str) -> tuple[str, int]:
    chosen = {"stream": "event_log", "replicas": "1"}
    for key, value in parse_qsl(query, keep_blank_values=True):
        if key not in chosen:
            words = f"APP_EVENT_LOG: a NATS address takes stream and replicas, not {key}"
            raise StartRefused(words)
        chosen[key] = value
    if not STREAM.fullmatch(chosen["stream"]):
        raise StartRefused(
            f"APP_EVENT_LOG: {chosen['stream']!r} is no name of a stream; "
            "use up to 32 letters, digits, - and _"
        )
    if chosen["replicas"] not in REPLICAS:
        raise StartRefused(
            f"APP_EVENT_LOG: replicas={chosen['replicas']} cannot be; "
            "a log lies on 1, 3 or 5 servers"
        )
    return chosen["stream"], int(chosen["replicas"])
