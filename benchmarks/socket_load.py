"""A cheap WebSocket client: one connection, on which many commands are under way."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator
from typing import cast

from benchmarks.production import authorization

HANDSHAKE = (
    "GET /ws HTTP/1.1\r\nhost: 127.0.0.1\r\nupgrade: websocket\r\nconnection: upgrade\r\n"
    "sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    "{authorization}\r\n"
)
TEXT, MASKED, PING = 0x81, 0x80, 0x89
NO_MASK = bytes(4)  # masking with zeros leaves a text as it is (RFC 6455, 5.3)
SECONDS = 120


def frame(text: bytes) -> bytes:
    """One text as it is sent."""
    size = len(text)
    if size < 126:
        return bytes((TEXT, MASKED | size)) + NO_MASK + text
    return bytes((TEXT, MASKED | 126)) + size.to_bytes(2, "big") + NO_MASK + text


async def sent(port: int, frames: Iterable[bytes], in_flight: int) -> int:
    """How many events came; returns when each command has its ack, and raises if one has none."""
    loop = asyncio.get_running_loop()
    _, talk = await loop.create_connection(lambda: Talk(iter(frames), in_flight), "127.0.0.1", port)
    try:
        await asyncio.wait_for(talk.done, SECONDS)
    finally:
        talk.transport.close()
    return talk.events


class Talk(asyncio.Protocol):
    """The connection; it sends as many commands as it has heard acks."""

    transport: asyncio.Transport

    def __init__(self, frames: Iterator[bytes], in_flight: int) -> None:
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.events = 0
        self._frames = frames
        self._room = in_flight
        self._waiting = 0
        self._buffer = b""
        self._is_open = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask for the socket."""
        self.transport = cast(asyncio.Transport, transport)  # uvloop has classes of its own
        self.transport.write(HANDSHAKE.format(authorization=authorization()).encode())

    def data_received(self, data: bytes) -> None:
        """Count what came, and send as much."""
        self._buffer += data
        if not self._is_open:
            head, separator, rest = self._buffer.partition(b"\r\n\r\n")
            if not separator:
                return
            if not head.startswith(b"HTTP/1.1 101"):
                raise RuntimeError(head.decode())
            self._buffer, self._is_open = rest, True
        acks = self._read()
        self._waiting -= acks
        self._room += acks
        some = [frame for _, frame in zip(range(self._room), self._frames, strict=False)]
        self._room -= len(some)
        self._waiting += len(some)
        if some:
            self.transport.write(b"".join(some))
        elif not self._waiting and not self.done.done():
            self.done.set_result(None)

    def _read(self) -> int:
        """Take whole messages off the buffer; how many of them are acks."""
        acks, at, data = 0, 0, self._buffer
        while len(data) >= at + 4:
            size, begin = data[at + 1], at + 2
            if size == 126:
                size, begin = int.from_bytes(data[at + 2 : at + 4], "big"), at + 4
            if len(data) < begin + size:
                break
            if data.startswith(b'{"type":"ack"', begin):
                acks += 1
            elif data.startswith(b'{"type":"event"', begin):
                self.events += 1
            elif data[at] != PING and not self.done.done():
                self.done.set_exception(RuntimeError(data[begin : begin + size].decode()))
            at = begin + size
        self._buffer = data[at:]
        return acks

    def connection_lost(self, problem: Exception | None) -> None:
        """An end that was not asked for is a failure."""
        if not self.done.done():
            self.done.set_exception(problem or ConnectionError("the server has hung up"))
