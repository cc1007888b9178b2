"""The counter at both doors of the real service."""

import json

import httpx
import pytest
from websockets.asyncio.client import connect

from tests.service import Service

pytestmark = pytest.mark.anyio


async def test_the_counter_counts_over_http(http: httpx.AsyncClient) -> None:
    answer = await http.post("/api/v1/counter/increment", json={"by": 3})

    assert answer.status_code == 200
    assert answer.json() == {"value": 3, "turns": 1}
    assert (await http.get("/api/v1/counter")).json() == {"value": 3, "turns": 1}
    assert (await http.post("/api/v1/counter/reset")).json() == {"value": 0, "turns": 2}


async def test_the_counter_counts_over_the_socket(service: Service) -> None:
    async with connect(f"{service.ws}/ws") as ws:
        await ws.send('{"type":"command","action":{"Increment":{}},"id":"a"}')
        event, ack = json.loads(await ws.recv()), json.loads(await ws.recv())
        await ws.send('{"type":"command","action":"Reset"}')
        reset = json.loads(await ws.recv())

    assert event["action"] == {"Incremented": {"by": 1, "value": 1}}
    assert ack == {"type": "ack", "id": "a", "seq": event["seq"]}
    assert reset["action"] == "WasReset"
