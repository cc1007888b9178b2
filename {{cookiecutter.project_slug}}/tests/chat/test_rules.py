"""The rules of the chat."""

from app.core.principal import Principal, Role
from app.core.rejected import Code
from app.domain.chat.actions import (
    MessageSent,
    PresenceChanged,
    ReportPresence,
    SendMessage,
    topic,
)
from app.domain.chat.reducer import ROOMS
from app.domain.chat.state import (
    KEPT,
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


def said(room: str, number: int) -> MessageSent:
    return MessageSent(room, f"m{number}", "alice", "hello", NOW)


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
    )
    assert [message.message_id for message in chat.get("lobby").after(1)] == ["m2"]
    assert chat.get("cellar") == Room("cellar")


def test_a_room_keeps_its_last_messages_only() -> None:
    sent = [said("lobby", number) for number in range(1, KEPT + 6)]

    room = given(*sent).state.chat.get("lobby")

    assert [message.number for message in room.messages] == list(range(6, KEPT + 6))
    assert [message.message_id for message in room.messages][:: KEPT - 1] == ["m6", f"m{KEPT + 5}"]
    assert room.sent == KEPT + 5


def test_there_is_an_end_to_the_number_of_rooms() -> None:
    full = given(*(said(f"room-{number}", 1) for number in range(ROOMS)))

    full.when(SendMessage("attic", "hi")).then_rejected(
        Code.CONFLICT, "room attic cannot be opened: there are 1000 already"
    )
    full.when(SendMessage("room-7", "hi", "m2"), by=ALICE).then(
        MessageSent("room-7", "m2", "alice", "hi", NOW)
    )


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
