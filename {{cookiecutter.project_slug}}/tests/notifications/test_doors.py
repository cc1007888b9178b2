"""Notifications at the doors of the real service: made by shipping an order, read by their user."""

import asyncio
from typing import Any

import httpx
import pytest

pytestmark = pytest.mark.anyio

ITEM = {"product_id": "prod-1", "name": "Widget", "quantity": 2, "unit_price_cents": 1999}
ADA, BOB = {"X-User": "ada"}, {"X-User": "bob"}


async def told(http: httpx.AsyncClient, *order_ids: str) -> list[Any]:
    """Ship an order of Ada's under each of these ids; what she then has been told."""
    for order_id in order_ids:
        order = {"customer_id": "ada", "items": [ITEM], "order_id": order_id}
        (await http.post("/api/v1/orders", json=order)).raise_for_status()
        await until(http, f"/api/v1/orders/{order_id}", lambda order: order["status"] != "pending")
        shipment = {"tracking_number": f"track-{order_id}"}
        (await http.post(f"/api/v1/orders/{order_id}/ship", json=shipment)).raise_for_status()
    url, count = "/api/v1/notifications", len(order_ids)
    page = await until(http, url, lambda page: len(page["items"]) == count, ADA)
    items: list[Any] = page["items"]
    return items


async def until(http: httpx.AsyncClient, url: str, is_so: Any, headers: Any = None) -> Any:
    """What is read there, as soon as it is so."""
    async with asyncio.timeout(10):
        while True:
            read = (await http.get(url, headers=headers)).json()
            if is_so(read):
                return read
            await asyncio.sleep(0)  # without a socket in between, nothing else would get its turn


async def test_a_customer_is_told_of_a_shipped_order_and_nobody_else_is(
    http: httpx.AsyncClient,
) -> None:
    (notification,) = await told(http, "o1")
    others = [
        (await http.get("/api/v1/notifications", headers=headers)).json() for headers in ({}, BOB)
    ]

    assert notification["message"] == "order o1 is on its way: track-o1"
    assert (notification["user_id"], notification["priority"]) == ("ada", "normal")
    assert notification["read"] is False
    assert others == [{"items": [], "next": None}] * 2


async def test_a_notification_is_marked_read_once_by_its_user_alone(
    http: httpx.AsyncClient,
) -> None:
    (notification,) = await told(http, "o1")
    url = f"/api/v1/notifications/{notification['notification_id']}/read"

    denied = [await http.post(url), await http.post(url, headers=BOB)]
    marked, again = await http.post(url, headers=ADA), await http.post(url, headers=ADA)
    unknown = await http.post("/api/v1/notifications/none/read", headers=ADA)
    no_id = await http.post("/api/v1/notifications/a%20b/read", headers=ADA)
    unread = (await http.get("/api/v1/notifications?unread=true", headers=ADA)).json()

    assert [answer.status_code for answer in denied] == [404, 404], "for others there is none"
    assert (marked.status_code, marked.json()) == (200, {**notification, "read": True})
    assert (again.status_code, again.json()["code"]) == (409, "conflict")
    assert (unknown.status_code, unknown.json()["code"]) == (404, "not_found")
    assert (no_id.status_code, no_id.json()["code"]) == (422, "invalid")
    assert unread == {"items": [], "next": None}


async def test_what_is_marked_read_twice_under_one_id_is_answered_until_it_is_forgotten(
    http: httpx.AsyncClient,
) -> None:
    (notification,) = await told(http, "o0")
    url = f"/api/v1/notifications/{notification['notification_id']}/read"
    key = ADA | {"Idempotency-Key": "k"}

    first, again = await http.post(url, headers=key), await http.post(url, headers=key)
    await told(http, *(f"o{n}" for n in range(1, 101)))
    forgotten = await http.post(url, headers=key)

    assert first.json() == again.json() == {**notification, "read": True}
    assert ("ETag" in first.headers, "ETag" in again.headers) == (True, False)
    assert (forgotten.status_code, forgotten.json()["code"]) == (404, "not_found")


async def test_notifications_come_in_pages_oldest_first(http: httpx.AsyncClient) -> None:
    all_of_them = await told(http, "o1", "o2", "o3")

    url = "/api/v1/notifications?limit=2"
    first = (await http.get(url, headers=ADA)).json()
    second = (await http.get(f"{url}&after={first['next']}", headers=ADA)).json()
    forgotten = (await http.get(f"{url}&after=ntf-forgotten", headers=ADA)).json()

    assert first["items"] + second["items"] == all_of_them
    assert second["next"] is None
    assert forgotten == first
    assert [each["message"] for each in all_of_them] == [
        f"order o{n} is on its way: track-o{n}" for n in (1, 2, 3)
    ]
