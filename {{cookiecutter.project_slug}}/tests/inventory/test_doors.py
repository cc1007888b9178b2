"""The inventory at both doors."""

import asyncio
import json
from typing import Any

import httpx
import pytest
from websockets.asyncio.client import ClientConnection, connect

from tests.service import Service

pytestmark = pytest.mark.anyio


async def hear(ws: ClientConnection) -> Any:
    """The next message, which does not take long to come."""
    return json.loads(await asyncio.wait_for(ws.recv(), 10))


async def test_stock_is_added_and_read_over_http(http: httpx.AsyncClient) -> None:
    added = await http.post("/api/v1/inventory/prod-1/stock", json={"quantity": 5})
    await http.post("/api/v1/inventory/prod-0/stock", json={"quantity": 1})
    await http.post("/api/v1/inventory/prod-2/stock", json={"quantity": 1})

    first = (await http.get("/api/v1/inventory?limit=2")).json()
    second = (await http.get(f"/api/v1/inventory?limit=2&after={first['next']}")).json()

    assert added.json() == {"product_id": "prod-1", "available": 5}
    assert [product["product_id"] for product in first["items"]] == ["prod-0", "prod-1"]
    assert [product["product_id"] for product in second["items"]] == ["prod-2"]
    assert second["next"] is None
    assert (await http.get("/api/v1/inventory/prod-1")).json()["available"] == 5


async def test_stock_that_is_added_twice_under_one_id_is_answered_as_the_first_time(
    http: httpx.AsyncClient,
) -> None:
    url, key = "/api/v1/inventory/prod-1/stock", {"Idempotency-Key": "k"}
    first = await http.post(url, json={"quantity": 5}, headers=key)
    await http.post(url, json={"quantity": 10})

    again = await http.post(url, json={"quantity": 5}, headers=key)

    assert (again.json(), again.headers["ETag"]) == (first.json(), first.headers["ETag"])
    assert (await http.get("/api/v1/inventory/prod-1")).json()["available"] == 15


async def test_what_was_never_stocked_or_does_not_fit_is_refused(http: httpx.AsyncClient) -> None:
    unknown = await http.get("/api/v1/inventory/none")
    nothing = await http.post("/api/v1/inventory/prod-1/stock", json={"quantity": 0})
    nameless = await http.post("/api/v1/inventory/a%20b/stock", json={"quantity": 1})

    assert (unknown.status_code, unknown.json()["code"]) == (404, "not_found")
    assert (nothing.status_code, nothing.json()["fields"][0]["loc"]) == (422, "quantity")
    assert (nameless.status_code, nameless.json()["code"]) == (422, "invalid")


async def test_stock_that_is_added_by_http_is_heard_on_the_socket(
    service: Service,
) -> None:
    async with connect(f"{service.ws}/ws") as ws, httpx.AsyncClient(base_url=service.url) as client:
        await client.post("/api/v1/inventory/prod-1/stock", json={"quantity": 5})

        event = await hear(ws)

    assert event["action"] == {"InventoryUpdated": {"product_id": "prod-1", "available": 5}}


async def test_the_steps_from_a_placed_order_to_its_end_are_heard_in_turn(
    service: Service,
) -> None:
    item = {"product_id": "prod-1", "name": "Widget", "quantity": 2, "unit_price_cents": 1999}
    async with connect(f"{service.ws}/ws") as ws, httpx.AsyncClient(base_url=service.url) as client:
        await client.post("/api/v1/inventory/prod-1/stock", json={"quantity": 3})
        for order_id in "first", "second":
            order = {"customer_id": "c", "items": [item], "order_id": order_id}
            await client.post("/api/v1/orders", json=order)
            heard = [await hear(ws) for _ in range({"first": 5, "second": 3}[order_id])]
        await client.post("/api/v1/orders/first/cancel", json={"reason": "no"})
        released = [await hear(ws) for _ in range(3)]
        left = (await client.get("/api/v1/inventory/prod-1")).json()["available"]

    assert [next(iter(event["action"])) for event in heard] == [
        "OrderPlaced",
        "StockRefused",
        "OrderCancelled",
    ]
    assert heard[2]["action"]["OrderCancelled"]["reason"] == "out of stock"
    assert [next(iter(event["action"])) for event in released] == [
        "OrderCancelled",
        "StockReleased",
        "InventoryUpdated",
    ]
    assert left == 3
