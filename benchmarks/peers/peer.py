"""Who is compared: how each is started, and how far it can be taken."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cache, partial
from importlib.metadata import version

from benchmarks import production
from benchmarks.measure import Missing
from benchmarks.peers import install
from benchmarks.peers.install import PINNED

OURS = "this service"
FLOOR = "C, one send each (the floor)"
JOINED = "C, events of a turn joined"
TUTORIAL = "FastAPI's tutorial"
QUEUES = "a queue and a task each"
PICOWS = "picows"
GORILLA = "Go, gorilla"
NODE = "Node, ws"
BROADCAST = "websockets.broadcast"
SOCKETIO = "python-socketio"
CHANNELS = "Django Channels"

SERVERS = "benchmarks.peers.servers"
PORT = "PORT"


@dataclass(frozen=True, slots=True)
class Peer:
    """A server that everybody's client can talk to."""

    name: str
    version: str
    command: tuple[str, ...]
    """What starts it; PORT stands for where it is to listen. `APP_PORT` says so, too."""
    environment: Mapping[str, str] = field(default_factory=dict)
    path: str = "/ws"
    headers: str = ""
    is_socketio: bool = False
    slowness: int = 1
    """How many times less it is asked to do, so that others get their turn."""
    most_clients: int = 10_000


def ours(name: str = OURS, *, event_log: str = "memory://", **settings: str) -> Peer:
    """The generated service as in production: with keys, limits, policy, metrics, log lines."""
    return Peer(
        name=name,
        version=f"uvicorn {version('uvicorn')}, Python {sys.version.split()[0]}",
        command=(sys.executable, "-m", "app"),
        environment=production.variables(event_log=event_log, **settings),
        path="/api/v1/ws",
        headers=production.authorization(),
    )


def bare(name: str) -> Peer:
    """The same, but nobody is asked who it is, and nothing is guarded, counted or logged."""
    peer = ours(name, env="development", jwt_secret="", log_level="error")
    return replace(peer, command=(sys.executable, "-m", f"{SERVERS}.bare"), headers="")


@cache
def floor(*, joined: bool = False) -> Peer:
    """What the system calls cost."""
    program = str(install.compiled(install.SERVERS / "floor.c"))
    words = install.version_of("gcc", "-dumpfullversion")
    command = (program, PORT, "together") if joined else (program, PORT, "each")
    return Peer(JOINED if joined else FLOOR, f"gcc {words}", command)


def tutorial(name: str = TUTORIAL, file: str = "") -> Peer:
    """The loop of FastAPI's tutorial; with a file it commits each command there."""
    peer = _python(
        name, "tutorial", f"uvicorn {version('uvicorn')}, websockets {version('websockets')}"
    )
    return replace(peer, command=(*peer.command, file)) if file else peer


def everybody() -> tuple[list[Peer], dict[str, str]]:
    """The service and those of its peers that can be had here; and why the others cannot."""
    found: list[Peer] = []
    skipped: dict[str, str] = {}
    for name, make in _makers():
        try:
            found.append(make())
        except Missing as reason:
            skipped[name] = str(reason)
    return found, skipped


def _makers() -> Iterator[tuple[str, Callable[[], Peer]]]:
    fastapi = f"FastAPI {version('fastapi')}, uvicorn {version('uvicorn')}"
    websockets = f"{version('websockets')}"
    yield OURS, ours
    yield FLOOR, floor
    yield JOINED, partial(floor, joined=True)
    yield PICOWS, partial(_python, PICOWS, "picows_server", PINNED["picows"])
    yield GORILLA, _gorilla
    yield NODE, _node
    yield BROADCAST, partial(_python, BROADCAST, "broadcast", websockets)
    yield TUTORIAL, tutorial
    yield QUEUES, partial(_python, QUEUES, "queue_and_task", fastapi)
    yield SOCKETIO, _socketio
    yield CHANNELS, _channels


def _python(name: str, module: str, number: str) -> Peer:
    return Peer(name, number, (str(install.python()), "-m", f"{SERVERS}.{module}", PORT))


def _socketio() -> Peer:
    return replace(
        _python(SOCKETIO, "socketio_server", PINNED["python-socketio"]),
        path="/socket.io/?EIO=4&transport=websocket",
        is_socketio=True,
        slowness=5,
        most_clients=1_000,
    )


def _channels() -> Peer:
    return replace(
        _python(CHANNELS, "channels_server", PINNED["channels"]),
        slowness=30,
        most_clients=1_000,
    )


def _gorilla() -> Peer:
    number = install.version_of(
        "dpkg-query", "-W", "-f", "$" + "{Version}", "golang-github-gorilla-websocket-dev"
    )
    go = install.version_of("go", "version").removeprefix("go version go").split(" ")[0]
    return Peer(GORILLA, f"{number}, Go {go}", (str(install.gorilla()), PORT))


def _node() -> Peer:
    program, modules = install.node()
    number = f"{install.NODE_WS}, Node {install.version_of(program, '--version')}"
    command = (program, str(install.SERVERS / "node_ws.js"), PORT)
    return Peer(NODE, number, command, environment={"NODE_PATH": str(modules)})
