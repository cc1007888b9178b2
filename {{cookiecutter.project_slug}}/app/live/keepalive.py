"""Finds out, with one timer for all connections, which clients are there no more."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from itertools import cycle

from app.live import closing
from app.live.port import Connection
from app.observe.beating import beating

BLOCKED_SECONDS = 28.0


class Keepalive:
    """Every connection, in as many shares as a round has seconds; each second one is looked at.

    A client is asked once a round. One that has said nothing at all since it was asked the last
    time is gone: that is at most two rounds after it was heard of. One that takes nothing of what
    it is sent is gone after BLOCKED_SECONDS.
    """

    def __init__(
        self,
        ping_seconds: int,
        clock: Callable[[], float] | None = None,
        no_pong: Callable[[], None] = lambda: None,
    ) -> None:
        """`clock` gives the seconds of the event loop; so does a connection's `heard`.

        `no_pong` is told of every client that is gone.
        """
        self._clock = clock
        self._no_pong = no_pong
        shares = [_Share() for _ in range(ping_seconds)]
        self._share_of: dict[Connection, _Share] = {}
        self._turns = cycle(shares)
        self._looks = cycle(shares)

    def __len__(self) -> int:
        return len(self._share_of)

    @property
    def blocked(self) -> int:
        """How many take less than they are sent."""
        return sum(connection.blocked is not None for connection in self._share_of)

    def add(self, connection: Connection, ping: Callable[[], None] | None = None) -> None:
        """Look after this one; `ping` asks it in another way than the connection's own."""
        share = next(self._turns)
        share.pings[connection] = ping
        share.unasked.add(connection)
        self._share_of[connection] = share

    def remove(self, connection: Connection) -> None:
        """It is over."""
        share = self._share_of.pop(connection, None)
        if share is not None:
            del share.pings[connection]
            share.unasked.discard(connection)

    def sweep(self) -> None:
        """Look at one share, and at everyone that takes nothing: once a second."""
        now = self._clock() if self._clock else asyncio.get_running_loop().time()
        stuck = [
            each
            for each in self._share_of
            if each.blocked is not None and now - each.blocked >= BLOCKED_SECONDS
        ]
        for connection in stuck:
            _cut_off(connection, closing.TOO_SLOW, "too slow: resume")
        share = next(self._looks)
        for connection, ping in list(share.pings.items()):
            is_silent = connection.heard < share.asked and connection not in share.unasked
            # One that takes nothing has not got the question; that is another matter.
            if is_silent and connection.blocked is None:
                self._no_pong()
                _cut_off(connection, closing.MISTAKE, "no pong")
            else:
                (ping or connection.ping)()
        share.unasked.clear()
        share.asked = now

    def running(self) -> AbstractAsyncContextManager[None]:
        """Sweep every second, as long as the context lasts."""
        return beating("keepalive", 1, self.sweep)


class _Share:
    """Those who are asked in the same second."""

    def __init__(self) -> None:
        self.pings: dict[Connection, Callable[[], None] | None] = {}
        self.unasked: set[Connection] = set()
        self.asked = float("-inf")


def _cut_off(connection: Connection, code: int, reason: str) -> None:
    connection.close(code, reason)
    connection.abort()
