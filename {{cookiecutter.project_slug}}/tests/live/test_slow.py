"""Who takes less than it is sent is sent away, comes back, and has missed nothing."""

from contextlib import suppress
from pathlib import Path

import pytest

from tests.live.figures import figure
from tests.live.follower import Follower
from tests.live.speaker import Speaker, done, told
from tests.service import Service

pytestmark = pytest.mark.anyio

TOO_SLOW = 4008
BUDGET = 64 * 1024


async def test_who_was_too_slow_hears_the_rest_when_it_is_back(tmp_path: Path) -> None:
    service = Service(tmp_path, APP_SEND_BUFFER_BYTES=str(BUDGET)).start()
    speaker = Speaker(service)
    try:
        async with Follower(service) as client:
            await client.connect()
            await speaker.speak([{"RevokeTokens": {"user_id": "the first"}}])
            await client.reached(speaker.seq)
            with suppress(ConnectionError):
                for number in 2_000, 10_000, 50_000:  # the kernels keep some for it, too
                    client.pause()
                    await speaker.speak(
                        {"RevokeTokens": {"user_id": f"{n:064}"}} for n in range(number)
                    )
                    client.resume()
                    await client.reached(speaker.seq)
            await client.closed()
            before = client.seq
            await speaker.speak([{"RevokeTokens": {"user_id": "the last"}}])
            await client.connect()
            await client.reached(speaker.seq)
        dropped = await figure(service, "app_connections_closed_total", code=str(TOO_SLOW))
    finally:
        service.kill()

    assert dropped == 1
    assert {*client.closes} <= {TOO_SLOW}
    assert 0 < before < speaker.seq - 1, "it had not heard all"
    assert told(client.heard) == done(speaker)
    assert client.failures == []
