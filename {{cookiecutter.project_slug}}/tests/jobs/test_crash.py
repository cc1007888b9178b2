"""Killed at any moment while sagas, delays and batches are under way, the service loses nothing."""

import asyncio
import json
import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from random import Random
from typing import Any

import httpx
import pytest

from tests.service import Service

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

KILLS = 30
STOCK = 100_000
CHANCE = Random(7)  # noqa: S311 - the same moments each time, as far as a real process goes


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    """A service whose orders expire soon."""
    running = Service(tmp_path, APP_ORDER_EXPIRY_SECONDS="2").start()
    yield running
    running.kill()


async def test_thirty_kills_leave_every_saga_and_every_batch_finished_once(
    service: Service, tmp_path: Path
) -> None:
    acknowledged: set[str] = set()
    async with httpx.AsyncClient(base_url=f"{service.url}/api/v1") as client:
        await sent(client, "stock", {"AddStock": {"product_id": "tea", "quantity": STOCK}})
    for kill in range(KILLS):
        if kill:
            service.start()
        clients = [
            asyncio.create_task(busy(service, f"{kill}-{n}", acknowledged)) for n in range(4)
        ]
        await asyncio.sleep(CHANCE.uniform(0.05, 0.4))
        service.kill()
        await asyncio.gather(*clients)

    service.start()
    async with httpx.AsyncClient(base_url=f"{service.url}/api/v1", timeout=30) as client:
        orders, jobs, dead = await at_rest(client)
        available = (await client.get("/inventory/tea")).json()["available"]
    assert service.stop() == 0

    assert dead == []
    assert {f"order {order['order_id']}" for order in orders} >= {
        name for name in acknowledged if name.startswith("order")
    }
    assert {job["status"] for job in jobs} <= {"completed", "cancelled"}
    assert all(job["succeeded"] + job["failed"] == job["total"] for job in completed(jobs))
    assert len(completed(jobs)) > KILLS / 2
    sold = sum(units(order) for order in orders if order["status"] == "shipped")
    held = sum(units(order) for order in orders if order["status"] == "processing")
    assert available + sold + held == STOCK
    check_log(tmp_path / "events.db")


async def busy(service: Service, name: str, acknowledged: set[str]) -> None:
    """Order, ship, cancel and start batches, each command twice, until the service is gone."""
    limits = httpx.Limits(max_keepalive_connections=1)
    with suppress(httpx.TransportError):
        async with httpx.AsyncClient(base_url=f"{service.url}/api/v1", limits=limits) as client:
            for number in range(1000):
                thing = f"{name}-{number}"
                for action in actions(thing, number):
                    first = await sent(client, f"{thing}-{next(iter(action))}", action)
                    again = await sent(client, f"{thing}-{next(iter(action))}", action)
                    if first.status_code == 200:
                        assert again.json()["events"] == first.json()["events"]
                        acknowledged.add(f"{'order' if 'PlaceOrder' in action else ''} {thing}")


def actions(thing: str, number: int) -> list[dict[str, Any]]:
    item = {"product_id": "tea", "name": "Tea", "quantity": 3, "unit_price_cents": 450}
    place = {"customer_id": "ada", "items": [item], "order_id": thing}
    wish: list[dict[str, Any]] = [{"PlaceOrder": place}]
    if number % 3 == 1:
        wish.append({"ShipOrder": {"order_id": thing, "tracking_number": "T"}})
    if number % 3 == 2:
        wish.append({"CancelOrder": {"order_id": thing, "reason": "no"}})
    if number == 0:
        wish.append({"StartBatch": {"total_items": 40, "batch_id": thing}})
    return wish


async def sent(client: httpx.AsyncClient, id: str, action: dict[str, Any]) -> httpx.Response:
    return await client.post("/commands", json=action, headers={"Idempotency-Key": id})


async def at_rest(client: httpx.AsyncClient) -> tuple[list[Any], list[Any], list[Any]]:
    """All orders, batches and dead letters, when nothing is under way any more."""
    async with asyncio.timeout(60):
        while True:
            orders, jobs = await pages(client, "/orders"), await pages(client, "/jobs")
            status = Counter(thing["status"] for thing in (*orders, *jobs))
            if not status["pending"] and not status["running"] and not status["processing"]:
                return orders, jobs, await pages(client, "/dead-letters")
            await asyncio.sleep(0.1)


async def pages(client: httpx.AsyncClient, path: str) -> list[Any]:
    items: list[Any] = []
    after: Any = 0
    while after is not None:
        page = (await client.get(path, params={"limit": 1000, "after": after})).json()
        items += page["items"]
        after = page.get("next")
    return items


def completed(jobs: list[Any]) -> list[Any]:
    return [job for job in jobs if job["status"] == "completed"]


def units(order: Any) -> int:
    return sum(item["quantity"] for item in order["items"])


def check_log(path: Path) -> None:
    """No command is there twice, and every effect has ended once."""
    with closing(sqlite3.connect(path)) as log:
        rows = log.execute(
            "SELECT position, principal, cause, action, effects, settles, continues FROM log"
        ).fetchall()
    commands = Counter(
        (principal, cause)
        for _, principal, cause, action, _, settles, continues in rows
        if cause and action and not settles and not continues
    )
    assert max(commands.values()) == 1
    assert [row[0] for row in rows] == list(range(1, len(rows) + 1))
    settled = Counter(row[5] for row in rows if row[5])
    assert max(settled.values()) == 1
    for position, _, _, _, effects, _, _ in rows:
        for place, effect in enumerate(json.loads(effects or "[]")):
            if "Dispatch" in effect:
                assert settled[f"{position}.{place}"] == 1, effect
