"""Who is here, and goes when the time is over or there is nothing more to hear."""

import asyncio
import math
import time

import pytest

from app.live.closing import DRAINING, EXPIRED
from app.live.sessions import Sessions

pytestmark = pytest.mark.anyio


class Client:
    """Somebody who stays until told to leave."""

    is_stream = is_revoked = False
    buffered = 0

    def __init__(self, ends: float = math.inf) -> None:
        self.ends = ends
        self.code: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    def expire(self) -> None:
        """Its time is over."""
        self.close(EXPIRED, "")

    def close(self, code: int, reason: str) -> None:
        """It is told."""
        if not self.code.done():
            self.code.set_result(code)


async def test_everybody_goes_when_the_own_time_is_over() -> None:
    now = time.time()
    early, late, guest = Client(now), Client(now + 1.5), Client()
    sessions = Sessions()
    for client in early, late, guest:
        sessions.add(client)

    async with sessions.watched(), asyncio.timeout(10):
        assert await early.code == EXPIRED
        assert await late.code == EXPIRED
    assert time.time() >= late.ends
    assert not guest.code.done()


async def test_whoever_is_given_another_time_goes_then() -> None:
    client, sessions = Client(), Sessions()
    sessions.add(client)
    client.ends = time.time()
    sessions.add(client)

    async with sessions.watched(), asyncio.timeout(10):
        assert await client.code == EXPIRED


async def test_where_there_is_nothing_more_to_hear_everybody_is_sent_away() -> None:
    client, sessions = Client(), Sessions(lambda: True)
    sessions.add(client)

    async with sessions.watched(), asyncio.timeout(10):
        assert await client.code == DRAINING
