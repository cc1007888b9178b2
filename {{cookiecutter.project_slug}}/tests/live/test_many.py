"""Many clients at once: some of them stuck, and all of them sent to the next process."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from app.live.port import HIGH_WATER_BYTES
from tests.live.figures import becomes, figure, resident
from tests.live.follower import Follower
from tests.live.raw import upgraded
from tests.live.speaker import Speaker, done, flowing, told
from tests.service import Service

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

DRAINING = 1012
TOO_SLOW = 4008
STUCK = 100
CLIENTS = 1000
PER_SECOND = 100
BUDGET = 64 * 1024
MEGABYTE = 1024 * 1024
TAKES_LITTLE = 4096  # bytes that the kernel keeps for whoever does not read


@asynccontextmanager
async def following(service: Service, number: int) -> AsyncIterator[list[Follower]]:
    """So many clients that hear everything."""
    clients = [Follower(service) for _ in range(number)]
    await asyncio.gather(*(client.connect() for client in clients))
    try:
        yield clients
    finally:
        await asyncio.gather(*(client.__aexit__() for client in clients))


@asynccontextmanager
async def stuck(service: Service, number: int) -> AsyncIterator[None]:
    """So many clients that have said that they listen, and never read."""
    peers = [upgraded(service.port, takes=TAKES_LITTLE) for _ in range(number)]
    try:
        yield
    finally:
        for peer in peers:
            peer.close()


def revoked(number: int) -> object:
    """A command whose event is as long as it gets."""
    return {"RevokeTokens": {"user_id": f"{number:064}"}}


async def test_stuck_readers_are_cut_off_and_everybody_else_hears_everything(
    tmp_path: Path,
) -> None:
    service = Service(tmp_path, APP_SEND_BUFFER_BYTES=str(BUDGET)).start()
    speaker, queued = Speaker(service), list[float]()
    try:
        await speaker.speak(map(revoked, range(1024)))  # as many as are kept for later
        before = resident(service)
        async with stuck(service, STUCK), following(service, 100) as others:
            for _ in range(30):  # no faster than this process reads
                await speaker.speak(map(revoked, range(100)))
                await asyncio.gather(*(client.reached(speaker.seq) for client in others))
                queued.append(await figure(service, "app_queued_bytes"))
            await becomes(service, len(others), "app_connections")
            queued.append(await figure(service, "app_queued_bytes"))
        await becomes(service, 0, "app_connections")
        after = resident(service)
        closed = await figure(service, "app_connections_closed_total", code=str(TOO_SLOW))
    finally:
        service.kill()

    assert closed == STUCK
    assert 0 < max(queued) <= STUCK * (BUDGET + HIGH_WATER_BYTES), "it is how much, not how long"
    assert queued[-1] == 0
    assert {tuple(told(client.heard)) for client in others} == {tuple(done(speaker))}
    assert [failure for client in others for failure in client.failures] == []
    # The ids of 3,000 commands more, and what the allocator keeps of 200 connections.
    assert after - before < 16 * MEGABYTE


async def test_everybody_goes_on_at_the_next_process_and_misses_nothing(tmp_path: Path) -> None:
    service = Service(tmp_path).start()
    try:
        async with following(service, CLIENTS) as clients:
            async with flowing(service, PER_SECOND) as speaker:
                await speaker.count(100)
                status = await asyncio.to_thread(service.stop)
                await asyncio.gather(*(client.closed() for client in clients))
                await asyncio.to_thread(service.start)
                await asyncio.gather(*(client.connect() for client in clients))
                await speaker.count(len(speaker.acknowledged) + 50)
            await asyncio.gather(*(client.reached(speaker.seq) for client in clients))
    finally:
        service.kill()

    assert status == 0
    assert [client.closes for client in clients] == [[DRAINING]] * CLIENTS
    assert {tuple(told(client.heard)) for client in clients} == {tuple(done(speaker))}
    assert [failure for client in clients for failure in client.failures] == []
