"""Sockets that say commands and count what they hear: as little Python for each as it takes."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Sequence
from functools import partial
from time import perf_counter
from typing import TypeAlias, cast

from benchmarks.production import authorization

HANDSHAKE = (
    "GET /ws?{query} HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
    "{authorization}\r\n"
)
COMMAND = '{"type":"command","id":"%s","action":{"AddStock":{"product_id":"tea","quantity":1}}}'
ANSWER = re.compile(rb'"type":"(?:ack|error)",(?:"code":"[^"]*","message":"[^"]*",)?"id":"([^"]+)"')
CAUSE = re.compile(rb'"cause":"([^"]+)"')
MASK = b"\0\0\0\0"  # a mask that changes nothing
LONGEST = 250

Heard: TypeAlias = Callable[[re.Match[bytes], float], None]


class Socket(asyncio.Protocol):
    """One connection: each match of a pattern is `heard`, with the moment when it came."""

    def __init__(self, pattern: re.Pattern[bytes], heard: Heard) -> None:
        self._find = pattern.finditer
        self._heard = heard
        self._rest = b""
        self.opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep it."""
        self._transport = cast(asyncio.Transport, transport)  # uvloop has classes of its own

    def data_received(self, data: bytes) -> None:
        """Look for what is waited for, also where it is cut in two."""
        now = perf_counter()
        if not self.opened.done():
            if b" 101 " not in data.partition(b"\r\n")[0]:
                self.opened.set_exception(RuntimeError(data.decode(errors="replace")))
                return
            self.opened.set_result(None)
        data, end = self._rest + data, 0
        for found in self._find(data):
            end = found.end()
            self._heard(found, now)
        self._rest = data[max(end, len(data) - LONGEST) :]

    def say(self, id: str) -> None:
        """Give a command of this id."""
        text = (COMMAND % id).encode()
        size = len(text)
        head = bytes((0x81, 0x80 | size)) if size < 126 else bytes((0x81, 0xFE, 0, size))
        self._transport.write(head + MASK + text)

    def close(self) -> None:
        """Hang up."""
        self._transport.abort()


async def connected(port: int, query: str, pattern: re.Pattern[bytes], heard: Heard) -> Socket:
    """A socket that has been let in."""
    loop = asyncio.get_running_loop()
    transport, socket = await loop.create_connection(
        lambda: Socket(pattern, heard), "127.0.0.1", port
    )
    transport.write(HANDSHAKE.format(query=query, authorization=authorization()).encode())
    await socket.opened
    return socket


class Callers:
    """Sockets that hear acks and no events, each with so many commands in flight."""

    def __init__(self) -> None:
        self._sockets: list[Socket] = []
        self._asked: dict[str, float] = {}
        self._is_over = False
        self._said = 0
        self.took: list[float] = []
        self.refused = 0

    async def come(self, ports: Sequence[int], each: int) -> None:
        """So many to each of these ports."""
        for port in ports:
            for _ in range(each):
                heard = partial(self._answered, len(self._sockets))
                self._sockets.append(await connected(port, "topics=notifications", ANSWER, heard))

    async def call(self, in_flight: int, seconds: float) -> float:
        """Commands done in a second; `took` has the seconds of each, `refused` tells of others."""
        begun, self._is_over, self.took, self.refused = perf_counter(), False, [], 0
        for number in range(len(self._sockets)):
            for _ in range(in_flight):
                self._say(number)
        await asyncio.sleep(seconds)
        done, passed = len(self.took), perf_counter() - begun
        self._is_over = True
        while self._asked:
            await asyncio.sleep(0.05)
        return done / passed

    def close(self) -> None:
        """Hang up."""
        for socket in self._sockets:
            socket.close()

    def _say(self, number: int) -> None:
        self._said += 1
        id = f"call-{self._said}"
        self._asked[id] = perf_counter()
        self._sockets[number].say(id)

    def _answered(self, number: int, answer: re.Match[bytes], now: float) -> None:
        took = now - self._asked.pop(answer[1].decode())
        if answer[0].startswith(b'"type":"ack"'):
            self.took.append(took)
        else:
            self.refused += 1
        if not self._is_over:
            self._say(number)
