"""Who is there no more, or takes nothing, is let go: as the service is set if nobody sets it."""

import asyncio
import re
import signal
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from tests.live.figures import becomes, figure
from tests.live.raw import upgraded
from tests.live.speaker import Speaker
from tests.service import Service

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

# They are promised to whoever looks for clients that seem to be there.
SILENT_SECONDS = 45
BLOCKED_SECONDS = 30
LATE = 5  # for a busy machine
KEPT = 4096
CLIENT = """
from websockets.sync.client import connect

with connect({url!r}) as socket:
    print("open", flush=True)
    for message in socket:
        pass
"""


@asynccontextmanager
async def halted(service: Service) -> AsyncIterator[None]:
    """A client whose process does nothing any more, while its kernel goes on taking bytes."""
    program = CLIENT.format(url=f"{service.ws}/ws?user=carl")  # who may hear nothing of this test
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", program, stdout=PIPE)
    assert process.stdout is not None
    try:
        async with asyncio.timeout(20):
            assert await process.stdout.readline() == b"open\n"
        process.send_signal(signal.SIGSTOP)
        yield
    finally:
        process.kill()
        await process.wait()


async def test_a_client_that_says_nothing_is_gone_within_45_seconds_and_so_is_its_place(
    service: Service,
) -> None:
    async with halted(service):
        async with asyncio.timeout(SILENT_SECONDS + LATE):
            await becomes(service, 0, "app_connections")
        dropped = await figure(service, "app_dropped_clients_total", reason="no_pong")

    assert dropped == 1
    assert re.search(r"\bconnection\b.*\bby=carl\b.*\bcode=1011\b", service.words())


async def test_a_client_that_takes_nothing_is_gone_within_30_seconds_though_little_waits_for_it(
    service: Service,
) -> None:
    speaker = Speaker(service)
    with upgraded(service.port, takes=KEPT):
        while not await figure(service, "app_slow_clients"):
            await speaker.speak({"RevokeTokens": {"user_id": f"{n:064}"}} for n in range(100))
        queued = await figure(service, "app_queued_bytes")
        async with asyncio.timeout(BLOCKED_SECONDS + LATE):
            await becomes(service, 0, "app_connections")
        dropped = await figure(service, "app_dropped_clients_total", reason="too_slow")

    assert 0 < queued < 128 * 1024, "it was not cut off for how much had waited"
    assert dropped == 1
    assert re.search(r"\bconnection\b.*\bcode=4008\b", service.words())
