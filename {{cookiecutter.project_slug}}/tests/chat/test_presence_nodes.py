"""Who is present is told alike by every node; whoever was at one that is killed is soon gone."""

import asyncio
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from time import monotonic

import pytest

from tests.chat.listener import named, until_present
from tests.runtime.event_log import servers
from tests.runtime.event_log.conftest import new_database, new_stream
from tests.service import Service
from tests.workers import Workers

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

# A node is forgotten after three seconds; on a machine that has much else to do it takes longer.
GONE_SECONDS = 8


@pytest.fixture(params=["postgres", "nats"])
async def nodes(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[list[Service]]:
    """Two services that share a log, on a server of this test's own."""
    is_nats = request.param == "nats"
    if (servers.nats_server() if is_nats else servers.postgres_folder()) is None:
        pytest.skip(f"the wheel with {request.param} is not installed")
    with servers.nats() if is_nats else servers.postgres() as server:
        url = new_stream(server.port) if is_nats else await new_database(server.port)
        started = []
        for name in "first", "second":
            folder = tmp_path / name
            folder.mkdir()
            started.append(await asyncio.to_thread(Service(folder, APP_EVENT_LOG=url).start))
        yield started
        for service in started:
            service.kill()


async def test_both_nodes_tell_of_all_and_forget_those_of_one_that_is_killed(
    nodes: list[Service],
) -> None:
    first, second = nodes
    async with AsyncExitStack() as opened:
        listeners = [
            await opened.enter_async_context(named(node, "dan", "presence:lobby")) for node in nodes
        ]
        for node, user in ((first, "alice"), (first, "bob"), (second, "bob"), (second, "carol")):
            await opened.enter_async_context(named(node, user, "chat:lobby"))
        for listener in listeners:
            await until_present(listener, "alice", "bob", "carol")

        killed = monotonic()
        first.kill()

        await until_present(listeners[1], "bob", "carol")
        assert monotonic() - killed < GONE_SECONDS


@pytest.mark.skipif(sys.platform != "linux", reason="several workers need Linux")
async def test_workers_of_one_file_tell_of_all_and_forget_those_of_one_that_is_killed(
    tmp_path: Path,
) -> None:
    workers = await asyncio.to_thread(Workers(tmp_path, 2).start)
    try:
        async with AsyncExitStack() as opened:
            users = [f"user-{number:02}" for number in range(16)]
            here = {
                user: await opened.enter_async_context(
                    named(workers, user, "chat:lobby", "presence:lobby")
                )
                for user in users
            }
            for listener in here.values():
                await until_present(listener, *users)

            workers.end_one(1, signal.SIGKILL)

            closed = {user: asyncio.create_task(each.closed()) for user, each in here.items()}
            await asyncio.wait(closed.values(), timeout=1)
            left = [user for user in users if not closed[user].done()]
            for task in closed.values():
                task.cancel()
            assert 0 < len(left) < len(users)
            for user in left:
                await until_present(here[user], *left)
    finally:
        workers.end()
