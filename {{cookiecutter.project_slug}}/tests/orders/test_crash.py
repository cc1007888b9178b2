"""An order that was acknowledged is still there, however the service ends."""

import asyncio
from pathlib import Path
from typing import Any

import httpx
import pytest

from app.client import connect
from tests.live.speaker import QUICK
from tests.service import Service

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

ITEM = {"product_id": "prod-1", "name": "Widget", "quantity": 1, "unit_price_cents": 100}
KILLS = 10


async def test_ten_kills_under_load_lose_no_acknowledged_order(tmp_path: Path) -> None:
    service = Service(tmp_path).start()
    acknowledged, is_over = set[str](), asyncio.Event()
    sockets = [
        asyncio.create_task(order_by_socket(service, f"s{n}", acknowledged, is_over))
        for n in range(4)
    ]
    for kill in range(KILLS):
        before = len(acknowledged)
        others = [
            asyncio.create_task(order_by_http(service, f"{kill}-h{n}", acknowledged))
            for n in range(2)
        ]
        while len(acknowledged) < before + 50 + 37 * kill:  # noqa: ASYNC110 - another moment each time
            await asyncio.sleep(0.001)
        service.kill()
        await asyncio.gather(*others)
        service.start()

    is_over.set()
    asked = await asyncio.gather(*sockets)
    there = await everything(service)
    assert service.stop() == 0

    assert len(acknowledged) > KILLS * 50
    assert set().union(*asked) <= acknowledged, "what was asked for when it was killed was done"
    assert acknowledged - set(there) == set()
    assert "pending" not in there.values(), "an effect that was stored was not performed"


async def order_by_socket(
    service: Service, name: str, acknowledged: set[str], is_over: asyncio.Event
) -> set[str]:
    """Place orders, many at once, however often the service is gone; all that were asked for."""
    asked = set[str]()
    async with connect(service.url, topics=[], timing=QUICK) as client:
        while not is_over.is_set():
            ids = [f"{name}-{len(asked) + number}" for number in range(8)]
            asked.update(ids)
            for done in asyncio.as_completed([client.send(order(each), each) for each in ids]):
                acknowledged.add((await done).id)
    return asked


def order(order_id: str) -> dict[str, Any]:
    return {"PlaceOrder": {"customer_id": "c", "items": [ITEM], "order_id": order_id}}


async def order_by_http(service: Service, name: str, acknowledged: set[str]) -> None:
    """Place orders, one after another, until the service is gone."""
    async with httpx.AsyncClient(base_url=service.url) as client:
        number = 0
        while True:
            number += 1
            order = {"customer_id": "c", "items": [ITEM], "order_id": f"{name}-{number}"}
            try:
                answer = await client.post("/api/v1/orders", json=order)
            except httpx.TransportError:
                return
            if answer.status_code == 201:
                acknowledged.add(answer.json()["order_id"])


async def everything(service: Service) -> dict[str, str]:
    """The status of every order, once none is pending that can be confirmed."""
    async with httpx.AsyncClient(base_url=service.url) as client:
        for _ in range(100):
            orders: dict[str, str] = {}
            after: int | None = 0
            while after is not None:
                url = f"/api/v1/orders?limit=1000&after={after}"
                page = (await client.get(url)).json()
                orders |= {order["order_id"]: order["status"] for order in page["items"]}
                after = page["next"]
            if "pending" not in orders.values():
                break
            await asyncio.sleep(0.1)
    return orders
