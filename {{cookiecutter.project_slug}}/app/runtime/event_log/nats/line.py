"""A connection to NATS that is made when it is needed, and again after it broke."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from random import SystemRandom

from app.runtime.event_log.nats.address import Address
from app.runtime.event_log.nats.connection import Connection, Unauthorized
from app.runtime.event_log.port import LogUnavailable

Greet = Callable[[Connection], Awaitable[None]]

chance = SystemRandom()


class Line:
    """One connection for everything; `greet` is called with each new one before anybody has it.

    The library's own way to connect again is not used: it keeps what is published meanwhile and
    sends it later, when whoever published it has long been told that nothing was done.
    """

    def __init__(self, address: Address, greet: Greet) -> None:
        self.address = address
        self._greet = greet
        self._servers = list(address.servers)
        chance.shuffle(self._servers)
        self._connection: Connection | None = None
        self._opening: asyncio.Task[Connection] | None = None
        self._is_closed = False

    async def connection(self) -> Connection:
        """The connection; raises LogUnavailable when there is none, and what `greet` raises.

        Whoever asks while it is being made waits for the same one.
        """
        if self._connection is not None and self._connection.is_open:
            return self._connection
        if self._is_closed:
            raise LogUnavailable(self.words("this node has closed it"))
        if self._opening is None:
            self._opening = asyncio.create_task(self._opened(), name="nats-open")
            self._opening.add_done_callback(self._has_opened)
        opening = self._opening
        await asyncio.wait([opening])
        if opening.cancelled():
            raise LogUnavailable(self.words("this node has closed it"))
        return opening.result()

    async def close(self) -> None:
        """End the connection, for good."""
        self._is_closed = True
        if self._opening is not None:
            self._opening.cancel()
            await asyncio.wait([self._opening])
        if self._connection is not None:
            await self._connection.close()

    def words(self, problem: object) -> str:
        """What is wrong, and with which log, in one line."""
        begin = f"the event log {self.address.name}: "
        return begin + str(problem).removeprefix(begin)

    def _has_opened(self, opening: asyncio.Task[Connection]) -> None:
        self._opening = None
        if not opening.cancelled():
            opening.exception()  # whoever waits for it has it; maybe nobody does any more

    async def _opened(self) -> Connection:
        if self._connection is not None:
            await self._connection.close()
        problem: Exception = LogUnavailable("no server")
        for _ in self.address.servers:
            server = self._servers[0]
            # Where it goes wrong now or later, the next server is tried first.
            self._servers = [*self._servers[1:], server]
            connection = Connection(self.address, server)
            try:
                await connection.open()
                await self._greet(connection)
            except Unauthorized:
                await connection.close()
                raise
            except LogUnavailable as refusal:
                problem = refusal
                await connection.close()
            except BaseException:
                with suppress(Exception):
                    await connection.close()
                raise
            else:
                self._connection = connection
                return connection
        raise LogUnavailable(self.words(problem)) from None
