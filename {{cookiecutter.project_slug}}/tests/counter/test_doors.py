"""The counter at both doors of the real service."""

import httpx
import pytest

from tests.service import Service
from tests.talk import talk

pytestmark = pytest.mark.anyio


async def test_the_counter_counts_over_http(http: httpx.AsyncClient) -> None:
    answer = await http.post("/api/v1/counter/increment", json={"by": 3})

    assert answer.status_code == 200
    assert answer.json() == {"by": 3, "value": 3}
    assert (await http.get("/api/v1/counter")).json() == {"value": 3, "turns": 1}
    assert (await http.post("/api/v1/counter/reset")).json() == {"value": 0, "turns": 2}


async def test_what_is_counted_twice_under_one_id_is_answered_as_the_first_time(
    http: httpx.AsyncClient,
) -> None:
    url, key = "/api/v1/counter/increment", {"Idempotency-Key": "k"}
    first = await http.post(url, json={"by": 3}, headers=key)
    await http.post(url, json={"by": 4})

    again = await http.post(url, json={"by": 3}, headers=key)

    assert (again.json(), again.headers["ETag"]) == (first.json(), first.headers["ETag"])
    assert (await http.get("/api/v1/counter")).json() == {"value": 7, "turns": 2}


async def test_a_reset_twice_under_one_id_is_answered_with_the_counter_of_now_and_no_tag(
    http: httpx.AsyncClient,
) -> None:
    url, key = "/api/v1/counter/reset", {"Idempotency-Key": "k"}
    first = await http.post(url, headers=key)
    await http.post("/api/v1/counter/increment", json={"by": 3})

    again = await http.post(url, headers=key)

    assert (first.json(), "ETag" in first.headers) == ({"value": 0, "turns": 1}, True)
    assert (again.json(), "ETag" in again.headers) == ({"value": 3, "turns": 2}, False)


async def test_the_counter_counts_over_the_socket(service: Service) -> None:
    async with talk(service) as client:
        event, ack = await client.command({"Increment": {}}, "a")
        reset, _ = await client.command("Reset")

    assert event["action"] == {"Incremented": {"by": 1, "value": 1}}
    assert ack == {"type": "ack", "id": "a", "seq": event["seq"]}
    assert reset["action"] == "WasReset"
