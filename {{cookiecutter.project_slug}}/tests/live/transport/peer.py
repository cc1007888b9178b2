"""A client of the bare socket that can say what no well-behaved client says."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import NamedTuple

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA
MASK = bytes((0x37, 0xFA, 0x21, 0x3D))
SECONDS = 10

REQUEST = (
    "GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n{headers}\r\n"
)


def frame(
    opcode: int, payload: bytes = b"", *, fin: bool = True, reserved: int = 0, masked: bool = True
) -> bytes:
    """One frame of a client's (RFC 6455, 5.2), lawful or not."""
    size = len(payload)
    first, bit = fin << 7 | reserved << 4 | opcode, masked << 7
    if size < 126:
        head = struct.pack("!BB", first, bit | size)
    elif size < 1 << 16:
        head = struct.pack("!BBH", first, bit | 126, size)
    else:
        head = struct.pack("!BBQ", first, bit | 127, size)
    if not masked:
        return head + payload
    pad = MASK * (size // 4 + 1)
    return head + MASK + bytes(one ^ other for one, other in zip(payload, pad, strict=False))


def text(words: str, *, fin: bool = True) -> bytes:
    return frame(TEXT, words.encode(), fin=fin)


def more(words: str, *, fin: bool = True) -> bytes:
    return frame(CONTINUATION, words.encode(), fin=fin)


def goodbye(code: int | None = 1000, reason: bytes = b"") -> bytes:
    return frame(CLOSE, b"" if code is None else struct.pack("!H", code) + reason)


class Frame(NamedTuple):
    """One frame of the server's."""

    opcode: int
    payload: bytes

    @property
    def code(self) -> int | None:
        """Of a close: why."""
        return struct.unpack("!H", self.payload[:2])[0] if self.payload else None


class Peer:
    """One connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def send(self, *segments: bytes) -> None:
        """Send each segment by itself; a server that has gone is no failure of the test."""
        for segment in segments:
            with suppress(ConnectionError, RuntimeError):
                self.writer.write(segment)
                await self.writer.drain()
            await asyncio.sleep(0)

    async def read(self) -> Frame:
        """The next frame; its server must not mask it."""
        async with asyncio.timeout(SECONDS):
            first, size = await self.reader.readexactly(2)
            assert first & 0xF0 == 0x80, "frames of this server are whole"
            if size == 126:
                (size,) = struct.unpack("!H", await self.reader.readexactly(2))
            elif size == 127:
                (size,) = struct.unpack("!Q", await self.reader.readexactly(8))
            return Frame(first & 0xF, await self.reader.readexactly(size))

    async def read_all(self) -> list[Frame]:
        """Every frame until the server closes the socket; a close is answered, and the last."""
        frames: list[Frame] = []
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                frames.append(await self.read())
                if frames[-1].opcode == CLOSE:
                    await self.send(frame(CLOSE, frames[-1].payload))
        assert [one.opcode for one in frames].count(CLOSE) <= 1, "goodbye is said once"
        assert CLOSE not in [one.opcode for one in frames[:-1]], "and nothing after it"
        return frames

    async def head(self) -> bytes:
        """The head of an answer to a request."""
        async with asyncio.timeout(SECONDS):
            return await self.reader.readuntil(b"\r\n\r\n")

    def reset(self) -> None:
        """Break the connection off (TCP RST)."""
        sock = self.writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()


@asynccontextmanager
async def connected(port: int, *, limit: int = 1 << 20) -> AsyncIterator[Peer]:
    """A connection on which nothing has been said."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=limit)
    try:
        yield Peer(reader, writer)
    finally:
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()


def request(path: str = "/echo", **headers: str) -> bytes:
    lines = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
    return REQUEST.format(path=path, headers=lines).encode()


@asynccontextmanager
async def upgraded(
    port: int, path: str = "/echo", *, then: bytes = b"", **headers: str
) -> AsyncIterator[Peer]:
    """A connection whose handshake is done; `then` goes with the request, in one segment."""
    async with connected(port) as peer:
        await peer.send(request(path, **headers) + then)
        head = await peer.head()
        assert head.startswith(b"HTTP/1.1 101"), head
        yield peer
