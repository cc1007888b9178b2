"""What customers write in an order is their affair: no line of the log has it."""

import json
from pathlib import Path

import httpx
import pytest
from websockets.asyncio.client import connect

from tests.service import Service

pytestmark = pytest.mark.anyio

TEXT = "a ring for somebody else"
ITEM = {"product_id": "prod-1", "name": TEXT, "quantity": 1, "unit_price_cents": 1999}
ORDER = {"customer_id": "cust-123", "items": [ITEM]}


async def test_a_text_of_an_order_is_in_no_line_even_at_debug(tmp_path: Path) -> None:
    service = Service(tmp_path, APP_LOG_LEVEL="debug").start()
    async with httpx.AsyncClient(base_url=service.url) as http, connect(service.ws + "/ws") as ws:
        placed = await http.post("/api/v1/orders", json=ORDER)
        await http.post("/api/v1/orders", json=ORDER | {"note": TEXT})
        url = f"/api/v1/orders/{placed.json()['order_id']}/cancel"
        await http.post(url, json={"reason": TEXT})
        await ws.send(json.dumps({"type": "command", "id": "1", "action": {"PlaceOrder": ORDER}}))
        while json.loads(await ws.recv())["type"] != "ack":
            pass
    service.stop()

    assert "PlaceOrder" in service.words()
    assert TEXT not in service.words()
