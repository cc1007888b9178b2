"""A node that has yet to apply what the log holds already, and a client that comes back to it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Self, cast

import orjson
import pytest

from app.adapters import open_ports
from app.bootstrap import rules
from app.core.principal import Principal, Role
from app.domain.revocation.actions import RevokeTokens
from app.live.hearing import Hearing
from app.live.hub import Hub
from app.live.message import Outgoing
from app.live.past import Past
from app.live.port import Connection
from app.live.recent import Recent
from app.observe.connections import Tally
from app.observe.metrics import Metrics
from app.runtime.event_log.port import Entry
from app.runtime.store import open_store
from app.settings import Settings
from app.wire.protocol import Subscribe
from tests.runtime.event_log.shared_memory import SharedMemoryLog

pytestmark = pytest.mark.anyio

OLGA = Principal("olga", Role.OPERATOR)
SECONDS = 5


class Behind(SharedMemoryLog):
    """A log that a node follows only while it is let."""

    def __init__(self) -> None:
        super().__init__()
        self.may_follow = asyncio.Event()
        self.may_follow.set()

    def another_node(self) -> Self:
        """As the log itself, but let by itself."""
        node = super().another_node()
        node.may_follow = asyncio.Event()
        node.may_follow.set()
        return node

    async def tail(self, after: int) -> AsyncIterator[Sequence[Entry]]:
        """As the log itself, but not always."""
        async for entries in super().tail(after):
            await self.may_follow.wait()
            yield entries


class Client:
    """Keeps the positions of the events that are written to it."""

    buffered = 0

    def __init__(self) -> None:
        self.seqs: list[int] = []

    def write(self, message: Outgoing) -> None:
        """Keep them."""
        said = [orjson.loads(part.json) for part in message.parts]
        self.seqs += [each["seq"] for each in said if each["type"] == "event"]


async def until(claim: Callable[[], object]) -> None:
    async with asyncio.timeout(SECONDS):
        while not claim():  # noqa: ASYNC110 - each claim is about something else
            await asyncio.sleep(0.01)


async def test_what_was_read_ahead_of_the_node_is_not_told_again() -> None:
    log, metrics, ruled = Behind(), Metrics(), rules(Settings())
    lagging = log.another_node()
    async with (
        open_ports() as ports,
        open_store(log, ruled, ports) as quick,
        open_store(lagging, ruled, ports) as store,
    ):
        hub, client = Hub(Recent(0, 0), metrics), Client()
        store.listeners.append(hub.broadcast)
        for name in "a", "b":
            await quick.dispatch(RevokeTokens(name), by=OLGA)
        await until(lambda: store.seq == 2)
        lagging.may_follow.clear()
        for name in "c", "d", "e":
            await quick.dispatch(RevokeTokens(name), by=OLGA)

        tally = Tally(metrics)
        hearing = Hearing(cast(Connection, client), store, Past(store), hub, tally, 100)
        hearing.listen(OLGA, Subscribe(type="subscribe", since=0, epoch=store.epoch))
        await until(lambda: client.seqs)
        assert (store.seq, client.seqs) == (2, [1, 2])
        lagging.may_follow.set()
        await until(lambda: store.seq == 5 and client.seqs[-1] == 5)

    assert client.seqs == [1, 2, 3, 4, 5]
