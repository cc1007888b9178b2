"""MetricsUpdated of several nodes: each tells its own clients the sum over all."""

import asyncio
import signal
import sys
from collections.abc import Iterator
from contextlib import AsyncExitStack, suppress
from pathlib import Path

import pytest
from websockets.exceptions import ConnectionClosed

from tests.talk import Talk, talk
from tests.workers import Workers

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="several workers need Linux"),
]

USERS = 16
SECONDS = 20


@pytest.fixture
def workers(tmp_path: Path) -> Iterator[Workers]:
    """Two of them, which report often."""
    running = Workers(tmp_path, 2, APP_METRICS_SECONDS="0.2").start()
    yield running
    running.end()


async def users_told(viewer: Talk) -> int:
    """How many users the next report tells of."""
    message = await viewer.hear()
    return int(message["action"]["MetricsUpdated"]["active_users"])


async def until_told(viewer: Talk, users: int) -> None:
    async with asyncio.timeout(SECONDS):
        while await users_told(viewer) != users:
            pass


async def test_every_viewer_sees_the_sum_of_all_nodes_and_it_does_not_alternate(
    workers: Workers,
) -> None:
    async with AsyncExitStack() as opened:
        viewers = []
        for number in range(USERS):
            asked = {"topics": "metrics", "user": f"user-{number}", "role": "operator"}
            viewers.append(await opened.enter_async_context(talk(workers, **asked)))
            assert (await viewers[-1].hear())["topics"] == ["metrics"]
        for viewer in viewers:
            await until_told(viewer, USERS)

        for viewer in viewers:
            assert [await users_told(viewer) for _ in range(5)] == [USERS] * 5

        workers.end_one(1, signal.SIGKILL)  # its clients count no more, a few seconds later
        here = []
        for viewer in viewers:
            with suppress(ConnectionClosed):
                await viewer.heard()
                here.append(viewer)
        assert 0 < len(here) < USERS
        for viewer in here:
            await until_told(viewer, len(here))
