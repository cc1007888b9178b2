"""A client that follows the log through any number of connections; a thousand fit into one test."""

from __future__ import annotations

import asyncio
import json
import socket
import struct
from random import Random
from typing import Any, cast
from urllib.parse import urlencode

from tests.live.transport.peer import CLOSE, PING, PONG, TEXT, frame, request
from tests.service import Service

SECONDS = 60


class Follower:
    """What one client hears, and where it goes on when it comes back."""

    def __init__(self, service: Service, **query: str) -> None:
        """`query` is what every connection asks for besides where it goes on."""
        self._service = service
        self._query = query
        self._wire: Wire | None = None
        self._awaited: tuple[int, asyncio.Future[None]] | None = None
        self.heard: list[tuple[int, Any]] = []
        """Every event, as it came: its position, and what happened."""
        self.closes: list[int] = []
        """The code of every goodbye that was said to it."""
        self.failures: list[object] = []
        """What a well-behaved client is never told."""
        self.epoch = ""

    @property
    def seq(self) -> int:
        """The position of the last event that it has heard."""
        return self.heard[-1][0] if self.heard else 0

    async def connect(self) -> None:
        """Ask for a connection, and for everything that was missed; the answer is not awaited."""
        asked = {**self._query, "since": str(self.seq)}
        if self.epoch:
            asked["epoch"] = self.epoch
        path = f"/ws?{urlencode(asked)}"
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(SECONDS):
            _, self._wire = await loop.create_connection(
                lambda: Wire(self, path), "127.0.0.1", self._service.port
            )

    def cut(self) -> None:
        """Break the connection off, with nothing said (TCP RST)."""
        assert self._wire is not None
        self._wire.reset()

    def pause(self) -> None:
        """Take nothing more; the kernel goes on for a while."""
        assert self._wire is not None
        self._wire.pause()

    def resume(self) -> None:
        """Take again what comes."""
        assert self._wire is not None
        self._wire.resume()

    async def __aenter__(self) -> Follower:
        return self

    async def __aexit__(self, *reason: object) -> None:
        if self._wire is not None:
            self.cut()
            await self.closed()

    async def closed(self) -> None:
        """Return when the connection is over."""
        assert self._wire is not None
        await asyncio.wait_for(self._wire.over, SECONDS)

    async def reached(self, seq: int) -> None:
        """Return when it has heard the event at this position, or a later one."""
        self._awaited = seq, asyncio.get_running_loop().create_future()
        if self.seq < seq:
            await asyncio.wait_for(self._awaited[1], SECONDS)

    def ended(self) -> None:
        """Its connection is over: what is awaited will not come."""
        if self._awaited and not self._awaited[1].done():
            self._awaited[1].set_exception(ConnectionError(f"closed: {self.closes}"))

    def take(self, message: Any) -> None:
        """One message of the service's."""
        match message:
            case {"type": "event", "seq": seq, "action": action}:
                self.heard.append((seq, action))
                if self._awaited and seq >= self._awaited[0] and not self._awaited[1].done():
                    self._awaited[1].set_result(None)
            case {"type": "subscribed", "recovered": True, "epoch": epoch}:
                self.epoch = epoch
            case _:
                self.failures.append(message)


async def cut_again_and_again(client: Follower, cuts: int, chance: Random) -> None:
    """Come back and be cut off: within the handshake, while catching up, or while listening."""
    for _ in range(cuts):
        await client.connect()
        await asyncio.sleep(chance.uniform(0, chance.choice((0.002, 0.01, 0.03, 0.1))))
        client.cut()
        if chance.random() < 0.1:
            await asyncio.sleep(chance.uniform(0, 0.2))


class Wire(asyncio.Protocol):
    """One connection of a follower's: what is left of it when it is cut is forgotten."""

    def __init__(self, follower: Follower, path: str) -> None:
        self._follower = follower
        self._path = path
        self._buffer = b""
        self._is_open = False
        self.over: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask for the socket."""
        self._transport = cast(asyncio.Transport, transport)
        self._transport.write(request(self._path))

    def data_received(self, data: bytes) -> None:
        """Take whole frames off what has come."""
        self._buffer += data
        if not self._is_open:
            head, end, rest = self._buffer.partition(b"\r\n\r\n")
            if not end:
                return
            self._buffer, self._is_open = rest, True
            if not head.startswith(b"HTTP/1.1 101 "):
                self._follower.failures.append(head)
        at = 0
        while len(self._buffer) >= at + 4 or self._buffer[at + 1 : at + 2] == b"\0":
            size, begin = self._buffer[at + 1], at + 2
            if size == 126:
                size, begin = int.from_bytes(self._buffer[at + 2 : at + 4], "big"), at + 4
            if len(self._buffer) < begin + size:
                break
            self._take(self._buffer[at] & 0xF, self._buffer[begin : begin + size])
            at = begin + size
        self._buffer = self._buffer[at:]

    def connection_lost(self, problem: Exception | None) -> None:
        """It is over."""
        self._follower.ended()
        self.over.set_result(None)

    def reset(self) -> None:
        """Break it off."""
        sock = self._transport.get_extra_info("socket")
        if not self._transport.is_closing():
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._transport.abort()

    def pause(self) -> None:
        """Read no more."""
        self._transport.pause_reading()

    def resume(self) -> None:
        """Read again."""
        self._transport.resume_reading()

    def _take(self, opcode: int, payload: bytes) -> None:
        if opcode == TEXT:
            self._follower.take(json.loads(payload))
        elif opcode == PING:
            self._transport.write(frame(PONG, payload))
        elif opcode == CLOSE:
            self._follower.closes.append(int.from_bytes(payload[:2], "big"))
            self._transport.write(frame(CLOSE, payload))
