"""The rules of the chat."""

import pytest
from hypothesis import given as examples
from hypothesis import strategies as some

from app.core.principal import Principal, Role
from app.core.rejected import Code
from app.domain.chat import state
from app.domain.chat.actions import (
    MessageSent,
    PresenceChanged,
    ReportPresence,
    SendMessage,
    topic,
)
from app.domain.chat.state import (
    KEPT,
    ROOMS_OF_A_USER,
    SHOWN,
    SHOWN_CHARACTERS,
    SHOWN_ROOMS,
    Message,
    Room,
    view,
)
from tests.scenario import NOW, environment, given

ALICE = Principal("alice", Role.CUSTOMER)
HELLO = MessageSent("lobby", "m1", "alice", "hello", NOW)


def said(room: str, number: int, by: str = "alice") -> MessageSent:
    return MessageSent(room, f"m{number}", by, "hello", NOW)


def test_a_message_is_sent_by_whoever_sends_it() -> None:
    given().when(SendMessage("lobby", "hello", "m1"), by=ALICE).then(HELLO)


def test_a_message_without_an_id_gets_one_of_its_own() -> None:
    first = f"msg-{environment().new_id()}"

    given().when(SendMessage("lobby", "hello"), by=ALICE).then(
        MessageSent("lobby", first, "alice", "hello", NOW)
    )


def test_two_messages_of_a_room_cannot_have_one_id() -> None:
    again, elsewhere = SendMessage("lobby", "hi", "m1"), SendMessage("attic", "hi", "m1")

    given(HELLO).when(again).then_rejected(Code.CONFLICT, "message m1 already exists in room lobby")
    given(HELLO).when(elsewhere, by=ALICE).then(MessageSent("attic", "m1", "alice", "hi", NOW))


def test_a_message_is_heard_in_its_room() -> None:
    assert topic(HELLO) == "chat:lobby"


def test_who_is_present_is_published_and_not_stored() -> None:
    changed = PresenceChanged("lobby", ("alice", "bob"), 3)

    given().when(ReportPresence("lobby", ("alice", "bob"), 3)).then_published(changed)
    assert given(changed).state == given().state
    given().asks_for(changed)
    assert topic(changed) == "presence:lobby"


def test_a_room_keeps_its_messages_in_order() -> None:
    chat = given(said("lobby", 1), said("attic", 1), said("lobby", 2)).state.chat

    assert chat.get("lobby") == Room(
        "lobby",
        (Message("m1", "alice", "hello", NOW, 1), Message("m2", "alice", "hello", NOW, 2)),
        sent=2,
        opened_by="alice",
    )
    assert [message.message_id for message in chat.get("lobby").after(1)] == ["m2"]
    assert chat.get("cellar") == Room("cellar")


def test_a_room_keeps_its_last_messages_only() -> None:
    sent = [said("lobby", number) for number in range(1, KEPT + 6)]

    room = given(*sent).state.chat.get("lobby")

    assert [message.number for message in room.messages] == list(range(6, KEPT + 6))
    assert [message.message_id for message in room.messages][:: KEPT - 1] == ["m6", f"m{KEPT + 5}"]
    assert room.sent == KEPT + 5


def test_whoever_opens_one_room_too_many_loses_their_own_that_was_silent_longest() -> None:
    first = [said(f"room-{number}", 1, by="mallory") for number in range(ROOMS_OF_A_USER)]
    before, again = said("cellar", 1, by="bob"), said("room-0", 2, by="bob")

    chat = given(before, *first, again, said("attic", 1, by="mallory")).state.chat

    assert "room-1" not in chat.rooms
    assert chat.get("room-0").sent == 2, "somebody has spoken there since"
    assert chat.get("cellar").sent == 1, "whose rooms are silent longer loses none"
    assert len(chat.rooms) == 1 + ROOMS_OF_A_USER


def test_however_many_rooms_one_user_has_opened_others_open_more() -> None:
    flood = given(*(said(f"room-{number}", 1, by="mallory") for number in range(1_001)))

    flood.when(SendMessage("attic", "hi", "m1"), by=ALICE).then(
        MessageSent("attic", "m1", "alice", "hi", NOW)
    )


def test_a_room_that_was_forgotten_is_not_shown_however_few_a_user_may_open(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(state, "ROOMS_OF_A_USER", 2)
    chat = given(said("lobby", 1), said("attic", 1), said("cellar", 1)).state.chat

    assert [room.room for room in view(chat, ALICE)] == ["cellar", "attic"]


def test_a_room_that_was_forgotten_is_opened_by_whoever_speaks_there_next() -> None:
    flood = [said(f"room-{number}", 1, by="mallory") for number in range(ROOMS_OF_A_USER + 1)]

    room = given(*flood, said("room-0", 7, by="bob")).state.chat.get("room-0")

    assert (room.opened_by, room.sent) == ("bob", 1)


@examples(some.lists(some.tuples(some.sampled_from("abc"), some.integers(0, 8)), max_size=60))
def test_every_room_is_of_one_user_who_has_not_too_many(sent: list[tuple[str, int]]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("app.domain.chat.state.ROOMS_OF_A_USER", 3)
        patch.setattr("app.domain.chat.state.SHOWN_ROOMS", 2)
        messages = [
            said(f"room-{number}", place, by=user) for place, (user, number) in enumerate(sent)
        ]

        chat = given(*messages).state.chat

    opened = {(name, user) for user, names in chat.opened.items() for name in names}
    assert opened == {(name, room.opened_by) for name, room in chat.rooms.items()}
    assert max(map(len, chat.opened.values()), default=0) <= 3
    assert set(chat.recent) <= set(chat.rooms)


def test_a_view_shows_the_last_messages_of_each_room_latest_room_first() -> None:
    sent = [said("lobby", number) for number in range(1, SHOWN + 3)]
    chat = given(said("attic", 1), said("cellar", 1), *sent, said("attic", 2)).state.chat

    shown = view(chat, ALICE)

    assert [room.room for room in shown] == ["attic", "lobby", "cellar"]
    assert [len(room.messages) for room in shown] == [2, SHOWN, 1]
    assert shown[1].messages[-1].message_id == f"m{SHOWN + 2}"


def test_a_view_shows_the_rooms_in_which_somebody_spoke_last() -> None:
    sent = [said(f"room-{number}", 1) for number in range(SHOWN_ROOMS + 2)]

    shown = view(given(*sent).state.chat, ALICE)

    assert len(shown) == SHOWN_ROOMS
    assert shown[0].room == f"room-{SHOWN_ROOMS + 1}"


def test_a_view_is_no_longer_than_its_readers_can_bear() -> None:
    long = "x" * 2000
    sent = [
        MessageSent(room, f"m{number}", "alice", long, NOW)
        for room in "abcd"
        for number in range(SHOWN)
    ]

    shown = view(given(*sent).state.chat, ALICE)

    assert [room.room for room in shown] == ["d", "c"]
    assert sum(len(each.text) for room in shown for each in room.messages) <= SHOWN_CHARACTERS
