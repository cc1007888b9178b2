"""The chat at both doors."""

import asyncio
import json
from typing import Any

import httpx
import pytest
from websockets.asyncio.client import ClientConnection, connect

from tests.service import Service

pytestmark = pytest.mark.anyio

LOBBY = "/api/v1/chat/lobby/messages"


async def test_messages_are_sent_and_read_over_http(http: httpx.AsyncClient) -> None:
    before = await http.get(LOBBY)
    sent = [await http.post(LOBBY, json={"text": text}) for text in ("one", "two", "three")]
    await http.post("/api/v1/chat/attic/messages", json={"text": "elsewhere"})

    first = (await http.get(f"{LOBBY}?limit=2")).json()
    second = (await http.get(f"{LOBBY}?limit=2&after={first['next']}")).json()

    assert (before.status_code, before.json()) == (200, {"items": [], "next": None})
    assert [answer.status_code for answer in sent] == [201] * 3
    message = sent[0].json()
    assert (message["room"], message["user_id"], message["text"]) == ("lobby", "anonymous", "one")
    assert [each["text"] for each in first["items"]] == ["one", "two"]
    assert first["items"][0]["message_id"] == message["message_id"]
    assert [each["text"] for each in second["items"]] == ["three"]
    assert second["next"] is None


async def test_a_message_that_was_sent_is_not_taken_for_the_list_at_its_address(
    http: httpx.AsyncClient,
) -> None:
    sent = await http.post(LOBBY, json={"text": "one"})
    listed = await http.get(LOBBY)

    assert sent.status_code == 201
    assert ("ETag" in sent.headers, "ETag" in listed.headers) == (False, True)


async def test_what_does_not_fit_is_refused(http: httpx.AsyncClient) -> None:
    await http.post(LOBBY, json={"text": "one", "message_id": "m1"})

    again = await http.post(LOBBY, json={"text": "two", "message_id": "m1"})
    empty = await http.post(LOBBY, json={"text": ""})
    long = await http.post(LOBBY, json={"text": "x" * 2001})
    nameless = await http.post("/api/v1/chat/a%20b/messages", json={"text": "one"})
    unread = await http.get("/api/v1/chat/a%20b/messages")

    assert (again.status_code, again.json()["code"]) == (409, "conflict")
    assert again.json()["message"] == "message m1 already exists in room lobby"
    assert [empty.json()["fields"][0]["loc"], long.json()["fields"][0]["loc"]] == ["text"] * 2
    assert [answer.status_code for answer in (empty, long, nameless, unread)] == [422] * 4


async def test_everybody_hears_the_messages_of_a_room_in_the_same_order(service: Service) -> None:
    async with connect(f"{service.ws}/ws") as alice, connect(f"{service.ws}/ws") as bob:
        for number in range(10):
            await say(alice if number % 2 else bob, f"{number}")
        heard = [await hear(alice) for _ in range(10)]
        others = [await hear(bob) for _ in range(10)]

    assert heard == others
    texts = [event["action"]["MessageSent"]["text"] for event in heard]
    assert sorted(texts) == [f"{number}" for number in range(10)]


async def say(ws: ClientConnection, text: str) -> None:
    action = {"SendMessage": {"room": "lobby", "text": text}}
    await ws.send(json.dumps({"type": "command", "action": action}))


async def hear(ws: ClientConnection) -> Any:
    return json.loads(await asyncio.wait_for(ws.recv(), 10))
