"""What a client asks to hear: topics, from now on or from a position."""

from pathlib import Path
from typing import Any

import pytest
from websockets.exceptions import InvalidStatus

from app.access.subscription import Position, recovers
from app.wire.protocol import Subscribe
from tests.live.follower import Follower
from tests.live.speaker import Speaker
from tests.service import Service
from tests.talk import Talk, talk

pytestmark = pytest.mark.anyio


async def happen(client: Talk, *names: str) -> list[int]:
    """An event for each name, which every starter has; the positions of the log after each."""
    return [
        (await client.command({"RevokeTokens": {"user_id": name}}, f"revoke {name}"))[-1]["seq"]
        for name in names
    ]


def names(messages: list[Any]) -> list[str]:
    """Whom the events among these messages are about."""
    return [
        message["action"]["TokensRevoked"]["user_id"]
        for message in messages
        if message["type"] == "event"
    ]


async def test_a_subscription_says_what_is_heard_and_where_the_log_stands(
    service: Service,
) -> None:
    async with talk(service) as client:
        (seq,) = await happen(client, "ada")
        await client.say("subscribe", topics=["revocation"])
        subscribed = await client.hear()

    assert subscribed.pop("epoch")
    assert subscribed == {
        "type": "subscribed",
        "topics": ["revocation"],
        "seq": seq,
        "recovered": False,
    }


async def test_a_subscription_takes_the_place_of_the_one_before(service: Service) -> None:
    async with talk(service, topics="revocation") as client, talk(service) as other:
        await client.say("subscribe", topics=[])
        await client.heard()
        await happen(other, "ada")
        heard_nothing = await client.heard()
        await client.say("subscribe")
        (everything,) = await client.heard()
        await happen(other, "bob")
        heard = await client.heard()

    assert heard_nothing == []
    assert "revocation" in everything["topics"]
    assert "metrics" not in everything["topics"], "what passes has to be named"
    assert names(heard) == ["bob"]


async def test_an_unknown_topic_is_an_error_and_the_subscription_stays(
    shared_service: Service,
) -> None:
    async with talk(shared_service, topics="revocation") as client:
        await client.say("subscribe", topics=["weather"])
        _, error = await client.heard()
        await happen(client, "ada")

    assert error["code"] == "invalid"
    assert "there is no topic 'weather'" in error["message"]


async def test_a_topic_that_may_not_be_heard_is_denied_and_not_heard(
    shared_service: Service,
) -> None:
    async with (
        talk(shared_service, user="carl", topics="revocation") as carl,
        talk(shared_service) as other,
    ):
        subscribed = await carl.hear()
        await happen(other, "ada")
        heard = await carl.heard()

    assert (subscribed["topics"], subscribed["denied"]) == ([], ["revocation"])
    assert heard == []


@pytest.mark.parametrize("ring", [1, 3, 1024])
async def test_what_was_missed_comes_first_in_order_and_once(tmp_path: Path, ring: int) -> None:
    service = Service(tmp_path, APP_RING_EVENTS=str(ring)).start()
    try:
        async with talk(service) as other:
            since, *_ = await happen(other, "ada", "bob", "cyd", "dan", "eve")
            async with talk(service, since=since, topics="revocation") as client:
                subscribed = await client.hear()
                missed = [await client.hear() for _ in range(4)]
                await happen(other, "fay")
                live = [await client.hear()]
                rest = await client.heard()
    finally:
        service.kill()

    assert subscribed["recovered"] is True
    assert names(missed + live) == ["bob", "cyd", "dan", "eve", "fay"]
    assert [event["seq"] for event in missed] == sorted(event["seq"] for event in missed)
    assert rest == []


async def test_a_client_goes_on_where_it_was_after_a_restart(service: Service) -> None:
    async with talk(service, topics="revocation") as client:
        epoch = (await client.hear())["epoch"]
        since, *_ = await happen(client, "ada", "bob", "cyd")
    service.kill()
    service.start()
    async with talk(service, since=since, epoch=epoch) as client:
        subscribed = await client.hear()
        missed = [await client.hear() for _ in range(2)]

    assert subscribed["recovered"] is True
    assert names(missed) == ["bob", "cyd"]


@pytest.mark.parametrize(
    ("query", "what"),
    [
        ({"since": 0}, "further back than the log is read"),
        ({"since": 99}, "in the future"),
        ({"since": 4, "epoch": "another"}, "of another log"),
        ({"topics": "revocation"}, "from now on"),
    ],
)
async def test_a_position_that_cannot_be_resumed_from_is_not_recovered(
    tmp_path: Path, query: dict[str, object], what: str
) -> None:
    service = Service(tmp_path, APP_RESUME_EVENTS="2").start()
    try:
        async with talk(service) as other:
            await happen(other, "ada", "bob", "cyd", "dan")
            async with talk(service, **query) as client:
                subscribed = await client.hear()
                await happen(other, "eve")
                heard = await client.heard()
    finally:
        service.kill()

    assert subscribed["recovered"] is False, what
    assert subscribed["seq"] == 4
    assert names(heard) == ["eve"], "never a part of what was missed"


@pytest.mark.slow
async def test_what_was_missed_is_told_no_faster_than_it_is_taken(tmp_path: Path) -> None:
    service = Service(tmp_path, APP_SEND_BUFFER_BYTES=str(64 * 1024)).start()
    speaker = Speaker(service)
    try:
        await speaker.speak({"RevokeTokens": {"user_id": f"{n:064}"}} for n in range(8_000))
        async with Follower(service) as client:
            await client.connect()
            await client.reached(speaker.seq)
    finally:
        service.kill()

    assert [seq for seq, _ in client.heard] == list(range(1, 8_001))
    assert client.closes == [], "it is never too slow for what it missed"


@pytest.mark.slow
async def test_an_acknowledgement_waits_for_what_was_missed(tmp_path: Path) -> None:
    service = Service(tmp_path, APP_RING_EVENTS="1").start()
    people = [f"user {number}" for number in range(300)]
    try:
        async with talk(service) as other:
            await happen(other, *people)
        async with talk(service, since=0) as client:
            messages = await client.command({"RevokeTokens": {"user_id": "last"}}, "mine")
    finally:
        service.kill()

    assert names(messages) == [*people, "last"]
    assert messages[-1]["type"] == "ack", "after its own event"


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ({"since": "x"}, "'since'"),
        ({"since": "-1"}, "'since'"),
        ({"topics": "revocation", "epoch": "e" * 65}, "'epoch'"),
        ({"topics": ""}, "'topics[0]'"),
        ({"topics": ",".join(map(str, range(101)))}, "'topics'"),
    ],
)
async def test_a_query_that_cannot_be_read_is_refused_with_the_handshake(
    shared_service: Service, query: dict[str, object], words: str
) -> None:
    with pytest.raises(InvalidStatus) as refused:
        async with talk(shared_service, **query):
            pass

    assert refused.value.response.status_code == 422
    assert words in refused.value.response.body.decode()


async def test_events_that_are_gathered_go_out_before_the_acknowledgement(tmp_path: Path) -> None:
    service = Service(tmp_path, APP_FLUSH_MILLISECONDS="50").start()
    try:
        async with talk(service) as client, talk(service) as other:
            first = await client.command({"RevokeTokens": {"user_id": "ada"}}, "1")
            heard = await other.hear()
    finally:
        service.kill()

    assert [message["type"] for message in first] == ["event", "ack"]
    assert names([heard]) == ["ada"]


@pytest.mark.parametrize(
    ("since", "is_recovered"), [(5, False), (6, True), (10, True), (11, False)]
)
def test_so_many_events_are_told_to_whoever_was_away_and_no_more(
    since: int, is_recovered: bool
) -> None:
    asked = Subscribe(type="subscribe", since=since, epoch="e")

    assert recovers(asked, Position(seq=10, epoch="e", most=4)) is is_recovered
