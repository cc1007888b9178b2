"""A cheap crowd of WebSocket clients, which count what they hear, and how long it took."""

from __future__ import annotations

import asyncio
from array import array
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from time import perf_counter
from typing import cast

from benchmarks.production import authorization
from benchmarks.socket_load import HANDSHAKE, MASKED, NO_MASK, PING

PONG = bytes((0x8A, MASKED)) + NO_MASK
CLOSE = 0x88
AT_ONCE = 50
SECONDS = 120


class Crowd:
    """Clients that all hear the same events, and the moment in which each event was asked for.

    Events are counted, not read: the third that a client hears is the third that was asked for
    since it came.
    """

    def __init__(self, port: int, *, users: bool = False) -> None:
        """With `users` each client is another one; else all are one."""
        self._port = port
        self._users = users
        self._one = authorization()
        self._due = 0
        self._all_heard: asyncio.Future[None] | None = None
        self.clients: list[Client] = []
        self.asked: list[float] = []
        self.latencies = array("d")
        """Seconds from the command to its event, for every event of every client."""

    async def grow(self, number: int) -> Sequence[Client]:
        """So many more clients, which hear what is asked for from now on."""
        gate, loop = asyncio.Semaphore(AT_ONCE), asyncio.get_running_loop()

        async def come(nth: int) -> Client:
            async with gate:
                own = authorization(f"user-{nth}") if self._users else self._one
                _, client = await loop.create_connection(
                    lambda: Client(self, own), "127.0.0.1", self._port
                )
                await asyncio.wait_for(client.opened, SECONDS)
                return client

        first = len(self.clients)
        came = await asyncio.gather(*(come(nth) for nth in range(first, first + number)))
        self.clients += came
        return came

    async def ask(self, speaker: Client, commands: Sequence[bytes]) -> None:
        """Have these commands decided; return when each client has heard the event of each."""
        self._all_heard = asyncio.get_running_loop().create_future()
        self._due += len(commands) * len(self.clients)
        self.asked += [perf_counter()] * len(commands)
        speaker.transport.write(b"".join(commands))
        await asyncio.wait_for(self._all_heard, SECONDS)

    def tell(self, speaker: Client, command: bytes) -> None:
        """Have a command decided, and wait for nobody."""
        self._due += len(self.clients)
        self.asked.append(perf_counter())
        speaker.transport.write(command)

    async def quiet(self) -> None:
        """Return when every client has heard all that was asked for."""
        self._all_heard = asyncio.get_running_loop().create_future()
        if self._due:
            await asyncio.wait_for(self._all_heard, SECONDS)

    def heard(self, latency: float) -> None:
        """One client has heard one event."""
        self.latencies.append(latency)
        self._due -= 1
        if not self._due and self._all_heard is not None and not self._all_heard.done():
            self._all_heard.set_result(None)

    def close(self) -> None:
        """Send everybody home."""
        for client in self.clients:
            client.transport.close()


class Client(asyncio.Protocol):
    """One connection; with a crowd it counts the events, without one it says what it is told to."""

    transport: asyncio.Transport

    def __init__(self, crowd: Crowd | None, authorization: str) -> None:
        self.opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._crowd = crowd
        self._authorization = authorization
        self._next = len(crowd.asked) if crowd is not None else 0
        self._buffer = b""
        self._is_open = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask for the socket."""
        self.transport = cast(asyncio.Transport, transport)  # uvloop has classes of its own
        self.transport.write(HANDSHAKE.format(authorization=self._authorization).encode())

    def data_received(self, data: bytes) -> None:
        """Count the messages; answer a ping, as every client does."""
        now = perf_counter()
        data = self._buffer + data if self._buffer else data
        if not self._is_open:
            head, separator, rest = data.partition(b"\r\n\r\n")
            if not separator:
                self._buffer = data
                return
            if not head.startswith(b"HTTP/1.1 101"):
                raise RuntimeError(data.decode())
            data, self._is_open = rest, True
            self.opened.set_result(None)
        at = 0
        while len(data) >= at + 2:
            size, begin = data[at + 1], at + 2
            if size == 126:
                size, begin = int.from_bytes(data[at + 2 : at + 4], "big"), at + 4
            if len(data) < begin + size:
                break
            if data[at] == PING:
                self.transport.write(PONG)
            elif data[at] != CLOSE and self._crowd is not None:
                self._crowd.heard(now - self._crowd.asked[self._next])
                self._next += 1
            at = begin + size
        self._buffer = data[at:]

    def connection_lost(self, problem: Exception | None) -> None:
        """An end before the beginning is a failure."""
        if not self.opened.done():
            self.opened.set_exception(problem or ConnectionError("the server has hung up"))


@asynccontextmanager
async def crowd(
    port: int, number: int, *, users: bool = False
) -> AsyncIterator[tuple[Crowd, Client]]:
    """So many clients, and one more that speaks and does not listen."""
    clients = Crowd(port, users=users)
    loop = asyncio.get_running_loop()
    _, speaker = await loop.create_connection(
        lambda: Client(None, authorization()), "127.0.0.1", port
    )
    try:
        await asyncio.wait_for(speaker.opened, SECONDS)
        await clients.grow(number)
        yield clients, speaker
    finally:
        speaker.transport.close()
        clients.close()
