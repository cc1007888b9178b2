"""A server on one core, and its crowd of clients on another."""

from __future__ import annotations

import asyncio
import json
import os
import socket
from asyncio.subprocess import Process
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

from benchmarks.measure import WORK, progress
from benchmarks.peers.load import Load, loading, on_core, open_many_files
from benchmarks.peers.peer import PORT, Peer
from benchmarks.serving import Server, ended

START_SECONDS = 30
# As long as a name may be: the event is 190 bytes then.
PRODUCT = "a-product-with-a-name-that-is-as-long-as-a-name-may-well-be-00000"[:64]
ACTION = {"AddStock": {"product_id": PRODUCT, "quantity": 1}}
COMMAND = json.dumps(
    {"type": "command", "action": ACTION, "id": "c-########"}, separators=(",", ":")
)


@dataclass(frozen=True, slots=True)
class Heard:
    """What a crowd has heard; latencies in microseconds, the CPU the server's in seconds."""

    delivered: int
    acks: int
    lost: int
    seconds: float
    cpu: float
    client_cpu: float
    p50: float
    p99: float
    max: float
    own_p50: float
    seq: int

    @property
    def cpu_per_message(self) -> float:
        """Microseconds of the server's CPU for each message delivered."""
        return 1e6 * self.cpu / self.delivered


@dataclass(frozen=True, slots=True)
class Pair:
    """A server and its clients, which do what they are told."""

    peer: Peer
    clients: int
    server: Server
    base: int
    """Bytes that the server held before the first client came."""
    handshakes: float
    """Seconds of CPU for all handshakes."""
    load: Load

    async def closed(self, commands: int, in_flight: int, *, in_turn: bool = False) -> Heard:
        """So many commands, the next when all have heard the one before."""
        return await self._ask(f"closed {commands} {in_flight} {int(in_turn)}")

    async def at_pace(self, commands: int, per_second: float) -> Heard:
        """So many commands at a steady pace, whether or not they are answered."""
        return await self._ask(f"open {commands} {per_second}", may_lose=True)

    async def again(self, back: int, path: str, welcome: str) -> Heard:
        """All are cut off, and all come back at once, and hear what they have missed."""
        return await self._ask(f"again {back} {path} {welcome}")

    async def _ask(self, line: str, *, may_lose: bool = False) -> Heard:
        await self.server.idle()
        before = self.server.cpu()
        said = await self.load.ask(line, may_lose=may_lose)
        used = self.server.cpu() - before
        names = Heard.__dataclass_fields__.keys() - {"cpu"}
        return Heard(cpu=used, **{name: said[name] for name in names})


@asynccontextmanager
async def together(peers: Sequence[Peer], clients: int) -> AsyncIterator[dict[str, Pair]]:
    """All of these with a crowd of their own each, by their names."""
    async with AsyncExitStack() as opened:
        yield {
            peer.name: await opened.enter_async_context(paired(peer, clients))
            for peer in peers
            if clients <= peer.most_clients
        }


@asynccontextmanager
async def paired(peer: Peer, clients: int) -> AsyncIterator[Pair]:
    """One of them, on an empty log, with so many clients that say nothing yet."""
    open_many_files()
    async with _served(peer) as server:
        await server.idle()
        base, before = server.rss(), server.cpu()
        command = f"42{json.dumps(['command', json.loads(COMMAND)])}"
        progress(f"{clients:,} clients come to {peer.name}")
        talk = (command, "40") if peer.is_socketio else (COMMAND, "")
        async with loading(
            peer.name, [server.port], clients, peer.path, peer.headers, *talk
        ) as load:
            await server.idle()
            yield Pair(peer, clients, server, base, server.cpu() - before, load)


@asynccontextmanager
async def _served(peer: Peer) -> AsyncIterator[Server]:
    with socket.create_server(("127.0.0.1", 0)) as found:
        port = found.getsockname()[1]
    WORK.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=WORK) as folder, Path(folder, "log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            *on_core(0),
            *(str(port) if word is PORT else word for word in peer.command),
            cwd=folder,
            env={**os.environ, **peer.environment, "APP_PORT": str(port)},
            stdout=log,
            stderr=log,
        )
        try:
            await _listening(peer, port, process, Path(log.name))
            yield Server(port, process.pid)
        finally:
            await ended(process)


async def _listening(peer: Peer, port: int, process: Process, log: Path) -> None:
    begin = perf_counter()
    while perf_counter() - begin < START_SECONDS and process.returncode is None:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            await asyncio.sleep(0.05)
        else:
            writer.close()
            return
    raise RuntimeError(f"{peer.name} does not start:\n{log.read_text()}")
