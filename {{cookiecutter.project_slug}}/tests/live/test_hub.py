"""Who hears what, and that nobody is disturbed by what others cannot hear."""

import asyncio
from datetime import UTC, datetime
from typing import cast

import pytest
from structlog.testing import capture_logs

from app.access.subscription import Audience
from app.core.principal import Principal, Role
from app.domain import Event
from app.domain.revocation.actions import TokensRevoked
from app.live.hub import Hub
from app.live.message import BUNDLE_BYTES, Message, Outgoing
from app.live.port import Connection
from app.live.recent import Recent
from app.observe.metrics import Metrics
from app.runtime.decision import Happened
from app.wire import codec

pytestmark = pytest.mark.anyio

NOW = datetime(2026, 1, 1, tzinfo=UTC)
OPERATOR = Principal("olga", Role.OPERATOR)
CUSTOMER = Principal("carl", Role.CUSTOMER)
EVERYTHING = Audience(OPERATOR, None)


class Client:
    """Somebody who hears what happens."""

    def __init__(self) -> None:
        self.heard: list[bytes] = []
        self.frames: list[bytes] = []
        self.messages = self.size = 0
        self.connection = cast(Connection, self)

    def write(self, message: Outgoing) -> None:
        """Keep it."""
        self.heard += [part.json for part in message.parts]
        self.frames.append(message.frame)

    def count(self, messages: int, size: int) -> None:
        """Add it up."""
        self.messages += messages
        self.size += size


class Notes:
    """Notes who comes and who goes."""

    def __init__(self, noted: list[str]) -> None:
        self._noted = noted

    def joined(self, audience: Audience) -> None:
        """Note it."""
        self._noted.append(f"joined {audience.principal.name}")

    def left(self, audience: Audience) -> None:
        """Note it."""
        self._noted.append(f"left {audience.principal.name}")


def event(seq: int) -> Happened[Event]:
    revoked = TokensRevoked(f"user {seq}", NOW)
    return Happened(revoked, "revocation", codec.encode_event(revoked), seq, None)


def hub(flush_seconds: float = 0.0) -> Hub:
    return Hub(Recent(10, 0), Metrics(), flush_seconds)


async def test_whoever_watches_is_told_once_of_each_who_comes_and_goes() -> None:
    hub_, client, noted = hub(), Client(), list[str]()
    hub_.watchers.append(Notes(noted))
    for act in (hub_.leave, hub_.join, hub_.join, hub_.leave, hub_.leave):
        act(client, EVERYTHING)

    assert noted == ["joined olga", "left olga"]


async def test_everybody_is_handed_the_very_same_message() -> None:
    hub_, clients = hub(), [Client(), Client()]
    for client in clients:
        hub_.join(client, EVERYTHING)
    hub_.broadcast([event(1)])
    hub_.flush()

    assert clients[0].heard[0] is clients[1].heard[0]


async def test_what_is_told_together_leaves_in_one_frame_of_bytes_for_all() -> None:
    hub_, clients = hub(), [Client(), Client()]
    for client in clients:
        hub_.join(client, EVERYTHING)
    hub_.broadcast([event(1)])
    hub_.broadcast([event(2), event(3)])
    await asyncio.sleep(0)

    (together,) = clients[0].frames
    assert together is clients[1].frames[0]
    assert together == b"".join(Message(json).frame for json in clients[0].heard)
    assert [json.index(b"user") > 0 for json in clients[0].heard] == [True] * 3


async def test_no_piece_of_it_is_longer_than_its_bound_and_nothing_is_lost() -> None:
    hub_, client = hub(), Client()
    hub_.join(client, EVERYTHING)
    hub_.broadcast([event(seq) for seq in range(1, 1001)])
    hub_.flush()

    assert [json.split(b'"seq":')[1] for json in client.heard] == [
        f"{seq}}}".encode() for seq in range(1, 1001)
    ]
    assert len(client.frames) > 1
    assert max(map(len, client.frames)) < BUNDLE_BYTES * 1.1  # and the heads of the frames


async def test_each_crowd_hears_its_own_in_order_when_several_are_told_together() -> None:
    hub_, all_, some = hub(), Client(), Client()
    hub_.join(all_, EVERYTHING)
    hub_.join(some, Audience(OPERATOR, frozenset({"revocation"})))
    hub_.broadcast([event(1), event(2)])
    hub_.flush()

    assert all_.heard == some.heard
    assert len(all_.heard) == 2


async def test_whoever_named_no_topic_does_not_hear_what_passes_beside_what_is_stored() -> None:
    hub_, all_, some = hub(), Client(), Client()
    hub_.join(all_, EVERYTHING)
    hub_.join(some, Audience(OPERATOR, frozenset({"revocation"})))
    hub_.broadcast([event(1), event(2)._replace(seq=None)])
    hub_.flush()

    assert [len(client.heard) for client in (all_, some)] == [1, 2]


async def test_whoever_may_not_hear_does_not_and_whoever_left_hears_no_more() -> None:
    hub_, carl, olga = hub(), Client(), Client()
    hub_.join(carl, Audience(CUSTOMER, None))
    hub_.join(olga, EVERYTHING)
    hub_.broadcast([event(1)])
    hub_.leave(olga, EVERYTHING)
    hub_.broadcast([event(2)])
    late = Client()
    hub_.join(late, EVERYTHING)
    hub_.broadcast([event(3)])
    hub_.flush()

    assert [len(client.heard) for client in (carl, olga, late)] == [0, 1, 1]


async def test_whoever_leaves_when_it_is_told_keeps_nobody_from_hearing() -> None:
    hub_, told = hub(), list[Client]()
    clients = [Client() for _ in range(3)]

    def leaves(client: Client) -> None:
        told.append(client)
        hub_.leave(client, EVERYTHING)

    for client in clients:
        client.write = lambda _, client=client: leaves(client)  # type: ignore[method-assign,misc]
        hub_.join(client, EVERYTHING)
    hub_.broadcast([event(1)])
    hub_.flush()

    assert set(told) == set(clients)


async def test_an_event_that_cannot_be_encoded_silences_no_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    encode = codec.event_message

    def encode_some(action: str, seq: int | None, cause: str | None) -> bytes:
        if seq == 2:
            raise ValueError("no JSON for this one")
        return encode(action, seq, cause)

    monkeypatch.setattr(codec, "event_message", encode_some)
    hub_, client = hub(), Client()
    hub_.join(client, EVERYTHING)
    with capture_logs() as lines:
        hub_.broadcast([event(1), event(2), event(3)])
    hub_.flush()

    assert len(client.heard) == 2
    assert [(line["event"], line["event_type"]) for line in lines] == [
        ("an event was not told", "TokensRevoked")
    ]


async def test_what_a_client_is_answered_leaves_with_what_it_hears_in_one_write() -> None:
    hub_, sender, other, stranger = hub(), Client(), Client(), Client()
    for client in (sender, other):
        hub_.join(client, EVERYTHING)
    hub_.broadcast([event(1), event(2)])
    hub_.answer(sender, Message(b'{"type":"ack"}'))
    hub_.answer(stranger, Message(b'{"type":"ack"}'))
    assert sender.heard == stranger.heard == []
    await asyncio.sleep(0)

    assert [len(client.frames) for client in (sender, other, stranger)] == [1, 1, 1]
    assert [b"seq" in heard for heard in sender.heard] == [True, True, False]
    assert len(other.heard) == 2
    assert stranger.heard == [b'{"type":"ack"}']


async def test_each_client_is_counted_for_what_it_was_sent_itself() -> None:
    hub_, early, sender, late = hub(), Client(), Client(), Client()
    for client in (early, sender):
        hub_.join(client, EVERYTHING)
    hub_.broadcast([event(1)])
    hub_.join(late, EVERYTHING)
    hub_.broadcast([event(2), event(3)])
    hub_.answer(sender, Message(b'{"type":"ack"}'))
    hub_.flush()
    for client in (early, sender, late):
        hub_.leave(client, EVERYTHING)

    for client in (early, sender, late):
        assert client.messages == len(client.heard) > 0
        assert client.size == sum(map(len, client.heard))


async def test_what_is_gathered_goes_to_those_who_were_there_and_in_order() -> None:
    hub_, early, late = hub(flush_seconds=60), Client(), Client()
    hub_.join(early, EVERYTHING)
    hub_.broadcast([event(1)])
    hub_.answer(early, Message(b'{"type":"ack"}'))
    assert early.heard == []
    hub_.join(late, EVERYTHING)
    hub_.broadcast([event(2)])
    hub_.flush()

    assert [b"seq" in heard for heard in early.heard] == [True, False, True]
    assert len(late.heard) == 1


async def test_what_is_gathered_goes_out_by_itself() -> None:
    hub_, client, told = hub(flush_seconds=0.01), Client(), asyncio.Event()
    client.write = lambda message: told.set()  # type: ignore[method-assign]
    hub_.join(client, EVERYTHING)
    hub_.broadcast([event(1)])

    assert not told.is_set()
    await asyncio.wait_for(told.wait(), 5)


async def test_recent_events_are_complete_or_not_given() -> None:
    hub_ = hub()
    hub_.broadcast([event(seq) for seq in range(1, 16)])
    kept = hub_.recent.after(5)

    assert kept is not None
    assert [heard.seq for heard in kept] == list(range(6, 16))
    assert hub_.recent.after(15) == []
    assert hub_.recent.after(4) is None
