"""A wire between a client and the service that can be cut, slowed to nothing, and mended."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress


class Wire:
    """Hands on what comes, both ways, for every connection that is made through it."""

    def __init__(self, port: int) -> None:
        """`port` is the service's."""
        self._there = port
        self._both: set[asyncio.StreamWriter] = set()
        self._asking, self._answering = asyncio.Event(), asyncio.Event()
        self._asking.set()
        self._answering.set()
        self._come = asyncio.Event()
        self.connections = 0
        self.url = ""

    def cut(self) -> None:
        """Break every connection off, with nothing said (TCP RST)."""
        for writer in self._both:
            peer: socket.socket = writer.get_extra_info("socket")
            if peer.fileno() >= 0:
                peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            writer.transport.abort()

    def freeze(self) -> None:
        """Hand nothing on, and tell nobody."""
        self._asking.clear()
        self._answering.clear()

    def freeze_answers(self) -> None:
        """Hand on nothing that the service says."""
        self._answering.clear()

    def thaw(self) -> None:
        """Hand on what has waited."""
        self._asking.set()
        self._answering.set()

    async def another(self) -> None:
        """Return when a connection is made."""
        self._come.clear()
        await self._come.wait()

    async def serve(self, here: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection of a client's."""
        self.connections += 1
        self._come.set()
        self._both.add(writer)
        try:
            with suppress(OSError):
                reader, there = await asyncio.open_connection("127.0.0.1", self._there)
                self._both.add(there)
                try:
                    await asyncio.gather(
                        _carry(here, there, self._asking), _carry(reader, writer, self._answering)
                    )
                finally:
                    self._both.discard(there)
                    there.close()
        finally:
            self._both.discard(writer)
            writer.close()


@asynccontextmanager
async def wire_to(port: int) -> AsyncIterator[Wire]:
    """A wire to the service at this port, at an address of its own."""
    wire = Wire(port)
    server = await asyncio.start_server(wire.serve, "127.0.0.1", 0)
    wire.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield wire
    finally:
        wire.thaw()
        server.close()
        wire.cut()
        await server.wait_closed()


async def _carry(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, is_open: asyncio.Event
) -> None:
    while data := await reader.read(64 * 1024):
        await is_open.wait()
        writer.write(data)
        await writer.drain()
    writer.close()
