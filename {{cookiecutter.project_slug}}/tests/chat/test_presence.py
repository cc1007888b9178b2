"""Who is present in a room is told when that changes, to whoever has named it."""

import asyncio
import json
from contextlib import AsyncExitStack
from time import monotonic

import httpx
import pytest

from tests.chat.listener import named, told, until_present
from tests.service import Service

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

# A newcomer is told within a second; on a machine that has much else to do, within two.
SOON = 2.0


async def test_who_comes_and_who_goes_is_told(service: Service) -> None:
    async with named(service, "dan", "presence:lobby") as listener:
        assert await told(listener) == {"room": "lobby", "user_ids": [], "more": 0}

        async with named(service, "bob", "chat:lobby"):
            await until_present(listener, "bob")
            async with named(service, "alice", "chat:lobby", "inventory"):
                await until_present(listener, "alice", "bob")
            await until_present(listener, "bob")
        await until_present(listener)


async def test_a_user_is_there_until_the_last_connection_is_gone(service: Service) -> None:
    async with named(service, "dan", "presence:lobby") as listener, AsyncExitStack() as page:
        await page.enter_async_context(named(service, "alice", "chat:lobby"))
        async with named(service, "alice", "chat:lobby"):
            await until_present(listener, "alice")
        await page.enter_async_context(named(service, "bob", "chat:lobby"))

        assert (await told(listener))["user_ids"] == ["alice", "bob"], "alice has never left"
        await page.aclose()
        await until_present(listener)


async def test_whoever_is_cut_off_without_a_goodbye_is_gone(service: Service) -> None:
    async with (
        named(service, "dan", "presence:lobby") as listener,
        named(service, "alice", "chat:lobby") as alice,
    ):
        await until_present(listener, "alice")

        alice.socket.transport.abort()

        await until_present(listener)


async def test_whoever_turns_to_another_room_leaves_the_one_before(service: Service) -> None:
    async with (
        named(service, "dan", "presence") as listener,
        named(service, "alice", "chat:lobby") as alice,
    ):
        await until_present(listener, "alice")

        await alice.say("subscribe", topics=["chat:attic"])

        found = [await told(listener), await told(listener)]
        assert sorted((each["room"], *each["user_ids"]) for each in found) == [
            ("attic", "alice"),
            ("lobby",),
        ]


async def test_whoever_does_not_name_a_room_is_not_in_it_and_hears_nothing_of_it(
    service: Service,
) -> None:
    async with (
        named(service, "dan", "presence:lobby") as listener,
        named(service, "eve", "chat") as overhearing,
        named(service, "olga", "presence:attic") as elsewhere,
        named(service, "alice", "chat:lobby"),
    ):
        await until_present(listener, "alice")

        assert (await told(elsewhere))["room"] == "attic"
        assert await elsewhere.heard() == []
        assert await overhearing.heard() == []


async def test_a_newcomer_is_told_soon_also_beside_others_who_know_already(
    service: Service,
) -> None:
    async with AsyncExitStack() as opened:
        await opened.enter_async_context(named(service, "alice", "chat:lobby"))
        for _ in range(3):
            begun = monotonic()
            listener = await opened.enter_async_context(named(service, "dan", "presence:lobby"))
            assert (await told(listener))["user_ids"] == ["alice"]
            assert monotonic() - begun < SOON


async def test_however_fast_people_come_and_go_it_is_told_once_a_second(service: Service) -> None:
    begun = monotonic()
    async with named(service, "dan", "presence:lobby") as listener, AsyncExitStack() as stay:
        for number in range(60):
            visit = named(service, f"user-{number}", "chat:lobby")
            if number < 5:
                await stay.enter_async_context(visit)
            else:
                async with visit:
                    await asyncio.sleep(0.05)
        heard = [message["action"]["PresenceChanged"] for message in await listener.heard()]
        seconds = monotonic() - begun
        stayed = [f"user-{number}" for number in range(5)]
        if heard[-1]["user_ids"] != stayed:  # or that the last has left was told already
            await until_present(listener, *stayed)

    assert 2 <= len(heard) <= seconds + 1


async def test_a_stream_of_events_is_told_too_but_is_not_a_presence(service: Service) -> None:
    address = "/api/v1/events?topics=presence:lobby,chat:lobby&user=carol"
    async with (
        named(service, "alice", "chat:lobby"),
        httpx.AsyncClient(base_url=service.url, timeout=15) as client,
        client.stream("GET", address) as stream,
    ):
        async for line in stream.aiter_lines():
            if line.startswith("data:") and "PresenceChanged" in line:
                break

    told_of = json.loads(line.removeprefix("data:"))["action"]["PresenceChanged"]
    assert told_of["user_ids"] == ["alice"]


async def test_a_name_of_presence_shows_nothing_in_a_snapshot(service: Service) -> None:
    async with httpx.AsyncClient(base_url=service.url) as client:
        whole = (await client.get("/api/v1/snapshot")).json()["state"]
        refused = await client.get("/api/v1/snapshot?topics=presence")

    assert "presence" not in whole
    assert refused.json()["message"].startswith("there is no topic 'presence'; the topics are chat")
    assert "metrics, presence" not in refused.json()["message"]
