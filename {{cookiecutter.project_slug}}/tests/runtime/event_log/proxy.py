"""A line to a server that can be cut, or slow."""

from __future__ import annotations

import asyncio
from contextlib import suppress


class Proxy:
    """Passes bytes on, between a port of its own and a server's, until it is cut."""

    def __init__(self, port: int) -> None:
        self.port = 0
        self._target = port
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self.answers = True
        self._slow: set[asyncio.StreamWriter] = set()

    def hold(self) -> None:
        """Keep what comes for the server on the connections there are; new ones are as ever."""
        self._slow = set(self._writers)

    async def let_go(self) -> None:
        """Give the server what was kept, and time to take it in."""
        self._slow.clear()
        await asyncio.sleep(0.5)

    async def open(self) -> None:
        """Take connections, at the same port as before."""
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def cut(self) -> None:
        """Break all connections, and refuse new ones."""
        self._slow.clear()
        if self._server is not None:
            self._server.close()
        for writer in self._writers:
            writer.transport.abort()
        if self._tasks:
            await asyncio.wait(self._tasks)

    async def _connected(self, near: asyncio.StreamReader, to_near: asyncio.StreamWriter) -> None:
        try:
            far, to_far = await asyncio.open_connection("127.0.0.1", self._target)
        except OSError:  # the server is away
            to_near.transport.abort()
            return
        self._writers |= {to_near, to_far}
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            there = asyncio.create_task(self._pass_on(near, to_far, is_answer=False))
            back = asyncio.create_task(self._pass_on(far, to_near, is_answer=True))
            await asyncio.wait([there, back])
        finally:
            self._tasks.discard(task)
            self._writers -= {to_near, to_far}

    async def _pass_on(
        self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, *, is_answer: bool
    ) -> None:
        with suppress(OSError):
            while data := await source.read(65536):
                while sink in self._slow:  # noqa: ASYNC110 - a test says when
                    await asyncio.sleep(0.01)
                if is_answer and not self.answers:
                    assert self._server is not None
                    self._server.close()
                    break  # it was done, and nobody hears of it
                sink.write(data)
                await sink.drain()
        await asyncio.sleep(0.1)  # what was written goes first
        sink.transport.abort()
