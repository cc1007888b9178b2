"""Things at the doors of the real service, and in its log."""

from datetime import UTC, datetime

import httpx
import pytest

from app.domain.things.actions import ThingAdded
from app.wire import codec

pytestmark = pytest.mark.anyio

URL = "/api/v1/things"
ADA = {"X-User": "ada"}


async def test_they_are_added_and_listed_in_pages(http: httpx.AsyncClient) -> None:
    first = await http.post(URL, json={"name": "first"})
    second = await http.post(URL, json={"name": "second"})
    refused = await http.post(URL, json={"name": "second"})

    page = (await http.get(f"{URL}?limit=1")).json()
    rest = (await http.get(f"{URL}?limit=1&after={page['next']}")).json()

    assert (first.status_code, first.json()["name"]) == (201, "first")
    assert first.json()["thing_id"] != second.json()["thing_id"]
    assert (refused.status_code, refused.json()["code"]) == (409, "conflict")
    assert page["items"] + rest["items"] == [first.json(), second.json()]
    assert rest["next"] is None


async def test_what_is_sent_twice_under_one_id_is_answered_as_the_first_time(
    http: httpx.AsyncClient,
) -> None:
    key = {"Idempotency-Key": "k"}
    first = await http.post(URL, json={"name": "first"}, headers=key)
    await http.post(URL, json={"name": "second"})

    again = await http.post(URL, json={"name": "first"}, headers=key)

    assert again.status_code == 201
    assert (again.json(), "ETag" in again.headers) == (first.json(), False)


async def test_a_customer_may_add_and_list_them(http: httpx.AsyncClient) -> None:
    added = await http.post(URL, json={"name": "first"}, headers=ADA)
    listed = await http.get(URL, headers=ADA)

    assert (added.status_code, listed.status_code) == (201, 200)


async def test_one_is_added_by_the_command_too(http: httpx.AsyncClient) -> None:
    answer = await http.post("/api/v1/commands", json={"AddThing": {"name": "first"}})

    assert answer.status_code == 200
    assert [*answer.json()["events"][0]["action"]] == ["ThingAdded"]


async def test_a_client_starts_from_the_newest(http: httpx.AsyncClient) -> None:
    for name in ("first", "second"):
        await http.post(URL, json={"name": name})

    read = (await http.get("/api/v1/snapshot?topics=things")).json()

    assert [each["name"] for each in read["state"]["things"]] == ["second", "first"]


def test_what_is_stored_can_be_read_again() -> None:
    added = ThingAdded("id-1", "first", datetime.now(UTC))

    assert codec.decode_event(codec.encode_event(added)) == added
