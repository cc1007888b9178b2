"""Cut off at random moments, again and again, a client hears every event once and in order."""

from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from tests.live.figures import figure
from tests.live.follower import Follower, cut_again_and_again
from tests.live.speaker import done, flowing, told
from tests.service import Service

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

PER_SECOND = 200
CUTS = 1000
SEED = 4


@pytest.fixture(params=["0", "20"])
def service(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Service]:
    """A service that keeps so little in memory that who is away for long needs the log."""
    settings = {"APP_RING_EVENTS": "16", "APP_FLUSH_MILLISECONDS": request.param}
    running = Service(tmp_path, **settings).start()
    yield running
    running.kill()


async def test_a_client_that_is_cut_off_again_and_again_hears_every_event_once_and_in_order(
    service: Service,
) -> None:
    async with Follower(service) as client:
        async with flowing(service, PER_SECOND) as speaker:
            await cut_again_and_again(client, CUTS, Random(SEED))  # noqa: S311 - the same each time
        await client.connect()
        await client.reached(speaker.seq)

    assert told(client.heard) == done(speaker), f"seed {SEED}"
    assert client.failures == []
    assert await figure(service, "app_resumes_total", how="ring") > 0
    assert await figure(service, "app_resumes_total", how="log") > 0
    assert await figure(service, "app_resumes_total", how="miss") == 0
