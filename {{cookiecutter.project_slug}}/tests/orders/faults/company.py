"""Three nodes, the servers that their log is on, and what can be done to them."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.runtime.event_log import servers
from tests.runtime.event_log.conftest import new_database, new_stream
from tests.runtime.event_log.proxy import Proxy
from tests.service import Service

NODES = 3
AWAY_SECONDS = 3.0
# A thousand clients on few cores: a node that writes to all of them for each event by itself does
# little else.
GATHERED = {"APP_FLUSH_MILLISECONDS": "20"}

Fault = Callable[[], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Company:
    """Nodes of one log. The last of them reaches its servers by lines that can be cut."""

    url: str
    nodes: Sequence[Service]
    servers: Sequence[servers.Server]
    lines: Sequence[Proxy]

    def faults(self, seconds: float) -> Mapping[str, Fault]:
        """What is done to it, one after another, each by its name; a pause lasts so long."""
        found: dict[str, Fault] = {"a node is killed": self._kill_node}
        if len(self.servers) > 1:
            found["a server of the log is killed"] = self._kill_server
            found["a server of the log is stopped"] = partial(self._pause_server, seconds)
        else:
            found["the database is killed"] = self._kill_server
        found["a node is stopped"] = partial(self._pause_node, seconds)
        found["a node's lines to the log are cut"] = partial(self._cut_lines, seconds)
        return found

    async def _kill_node(self) -> None:
        await asyncio.to_thread(self.nodes[0].kill)
        await asyncio.sleep(AWAY_SECONDS)
        await asyncio.to_thread(self.nodes[0].start)

    async def _kill_server(self) -> None:
        await asyncio.to_thread(self.servers[0].end)
        await asyncio.sleep(AWAY_SECONDS)
        await asyncio.to_thread(self.servers[0].start)

    async def _pause_server(self, seconds: float) -> None:
        self.servers[1].send(signal.SIGSTOP)
        await asyncio.sleep(seconds)
        self.servers[1].send(signal.SIGCONT)

    async def _pause_node(self, seconds: float) -> None:
        process = self.nodes[1].process
        assert process is not None
        process.send_signal(signal.SIGSTOP)
        await asyncio.sleep(seconds)
        process.send_signal(signal.SIGCONT)

    async def _cut_lines(self, seconds: float) -> None:
        for line in self.lines:
            await line.cut()
        await asyncio.sleep(seconds)
        for line in self.lines:
            await line.open()


@asynccontextmanager
async def company(engine: str) -> AsyncIterator[Company]:
    """Three nodes on `nats`, three servers with three replicas, or on `postgres`."""
    async with AsyncExitStack() as opened:
        folder = Path(opened.enter_context(TemporaryDirectory()))
        if engine == "nats":
            of_log = opened.enter_context(servers.nats_cluster("--no_advertise"))
        else:
            of_log = [opened.enter_context(servers.postgres())]
        lines = [Proxy(server.port) for server in of_log]
        for line in lines:
            await line.open()
            opened.push_async_callback(line.cut)
        ports = [server.port for server in of_log]
        url = await _new_log(engine, ports)
        far = _by(url, dict(zip(ports, (line.port for line in lines), strict=True)))
        nodes = []
        for number in range(NODES):
            own = folder / str(number)
            own.mkdir()
            node = Service(own, APP_EVENT_LOG=far if number == NODES - 1 else url, **GATHERED)
            opened.callback(node.kill)
            nodes.append(await asyncio.to_thread(node.start))
        yield Company(url, nodes, of_log, lines)


async def _new_log(engine: str, ports: Sequence[int]) -> str:
    if engine == "nats":
        return new_stream(*ports, replicas=len(ports))
    return await new_database(ports[0])


def _by(url: str, ways: Mapping[int, int]) -> str:
    """The same address, by other ports."""
    for port, other in ways.items():
        url = url.replace(f"127.0.0.1:{port}", f"127.0.0.1:{other}")
    return url
