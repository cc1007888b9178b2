"""The JSON of orders on the wire, over a real socket: what clients are written against."""

import asyncio
import json
from typing import Any

import httpx
import pytest
from websockets.asyncio.client import ClientConnection, connect

from tests.service import Service

pytestmark = pytest.mark.anyio

PLACE_ORDER = """
{
  "type": "command",
  "action": {
    "PlaceOrder": {
      "customer_id": "cust-123",
      "items": [
        {"product_id": "prod-1", "name": "Widget", "quantity": 2, "unit_price_cents": 1999}
      ]
    }
  }
}
"""


async def test_the_command_leads_to_the_event(service: Service) -> None:
    async with connect(f"{service.ws}/api/v1/ws", proxy=None) as socket:
        await socket.send(PLACE_ORDER)

        message = await heard(socket)

    assert message["type"] == "event"
    assert list(message["action"]) == ["OrderPlaced"]
    order = message["action"]["OrderPlaced"]
    assert order.pop("order_id")
    assert order.pop("placed_at")
    expected = {
        "customer_id": "cust-123",
        "status": "pending",
        "total_cents": 3998,
        "items": [
            {"product_id": "prod-1", "name": "Widget", "quantity": 2, "unit_price_cents": 1999}
        ],
    }
    assert order | expected == order, "fields may be added, none changed"


@pytest.mark.parametrize("path", ["/ws", "/api/v1/ws"])
async def test_everybody_hears_it_on_either_path(service: Service, path: str) -> None:
    async with (
        connect(f"{service.ws}{path}", proxy=None) as listener,
        connect(f"{service.ws}/api/v1/ws", proxy=None) as sender,
    ):
        await sender.send(PLACE_ORDER)

        assert await heard(listener) == await heard(sender)


async def test_each_order_has_an_id_of_its_own(service: Service) -> None:
    async with connect(f"{service.ws}/api/v1/ws", proxy=None) as socket:
        ids = set()
        for _ in range(2):
            await socket.send(PLACE_ORDER)
            ids.add((await event(socket, "OrderPlaced"))["order_id"])

    assert len(ids) == 2


async def test_a_missing_field_is_named_to_the_sender_alone(service: Service) -> None:
    command = json.loads(PLACE_ORDER)
    del command["action"]["PlaceOrder"]["customer_id"]
    async with (
        connect(f"{service.ws}/api/v1/ws", proxy=None) as bystander,
        connect(f"{service.ws}/api/v1/ws", proxy=None) as socket,
    ):
        await socket.send(json.dumps(command))

        error = await heard(socket)
        await bystander.send('{"type": "ping"}')
        assert await heard(bystander) == {"type": "pong"}

    assert error["type"] == "error"
    assert error["message"] == "Invalid action format: missing required field 'customer_id'"


async def test_a_ping_is_answered_with_exactly_a_pong(service: Service) -> None:
    async with connect(f"{service.ws}/api/v1/ws", proxy=None) as socket:
        await socket.send('{"type": "ping"}')

        assert await socket.recv() == '{"type":"pong"}'


@pytest.mark.parametrize(
    "message",
    [
        '{"type": "greeting"}',
        '{"action": "PlaceOrder"}',
        '{"type": "command", "action": {}}',
        '{"type": "command", "action": {"PlaceOrder": {}, "ShipOrder": {}}}',
        '{"type": "command", "action": {"OrderPlaced": {"order_id": "ord-1"}}}',
        "not JSON",
    ],
)
async def test_what_is_no_command_is_an_error_and_ends_nothing(
    service: Service, message: str
) -> None:
    async with connect(f"{service.ws}/api/v1/ws", proxy=None) as socket:
        await socket.send(message)
        assert (await heard(socket))["type"] == "error"

        await socket.send(PLACE_ORDER)
        assert await event(socket, "OrderPlaced")


async def test_a_shipped_order_carries_its_tracking_number(service: Service) -> None:
    async with connect(f"{service.ws}/api/v1/ws", proxy=None) as socket:
        await socket.send(PLACE_ORDER)
        order_id = (await event(socket, "OrderProcessing"))["order_id"]

        await post(service, f"/orders/{order_id}/ship", {"tracking_number": "T-1"})

        shipped = await event(socket, "OrderShipped")
    assert shipped["order_id"] == order_id
    assert shipped["tracking_number"] == "T-1"


async def test_a_cancelled_order_carries_the_reason(service: Service) -> None:
    async with connect(f"{service.ws}/api/v1/ws", proxy=None) as socket:
        await socket.send(PLACE_ORDER)
        order_id = (await event(socket, "OrderPlaced"))["order_id"]

        await post(service, f"/orders/{order_id}/cancel", {"reason": "a mistake"})

        cancelled = await event(socket, "OrderCancelled")
    assert cancelled["order_id"] == order_id
    assert cancelled["reason"] == "a mistake"


async def heard(socket: ClientConnection) -> Any:
    """The next message, which does not take long to come."""
    async with asyncio.timeout(10):
        return json.loads(await socket.recv())


async def event(socket: ClientConnection, name: str) -> dict[str, Any]:
    """The next event of this name; others are passed over."""
    while name not in (message := await heard(socket)).get("action", ()):
        assert message["type"] == "event"
    found: dict[str, Any] = message["action"][name]
    return found


async def post(service: Service, path: str, body: dict[str, str]) -> None:
    """Ask for it by HTTP."""
    async with httpx.AsyncClient(base_url=f"{service.url}/api/v1", trust_env=False) as http:
        (await http.post(path, json=body)).raise_for_status()
