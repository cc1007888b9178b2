"""The counter at both doors of the real service."""

import httpx
import pytest

from tests.service import Service
from tests.talk import talk

pytestmark = pytest.mark.anyio


async def test_the_counter_counts_over_http(http: httpx.AsyncClient) -> None:
    answer = await http.post("/api/v1/counter/increment", json={"by": 3})

    assert answer.status_code == 200
    assert answer.json() == {"value": 3, "turns": 1}
    assert (await http.get("/api/v1/counter")).json() == {"value": 3, "turns": 1}
    assert (await http.post("/api/v1/counter/reset")).json() == {"value": 0, "turns": 2}


async def test_the_counter_counts_over_the_socket(service: Service) -> None:
    async with talk(service) as client:
        event, ack = await client.command({"Increment": {}}, "a")
        reset, _ = await client.command("Reset")

    assert event["action"] == {"Incremented": {"by": 1, "value": 1}}
    assert ack == {"type": "ack", "id": "a", "seq": event["seq"]}
    assert reset["action"] == "WasReset"
