"""Who is counted as present, and how much of it is told."""

import orjson
from structlog.testing import capture_logs

from app.access.subscription import Audience
from app.core.principal import Principal, Role
from app.domain.chat.actions import NAMED
from app.live.attendance import REPORT_BYTES, ROOMS, Attendance, Present, listed, together
from app.runtime.event_log.port import ANNOUNCED_BYTES


def hearing(name: str, *topics: str, role: Role = Role.CUSTOMER) -> Audience:
    return Audience(Principal(name, role), frozenset(topics))


def with_all(*audiences: Audience) -> Attendance:
    attendance = Attendance()
    for audience in audiences:
        attendance.joined(audience)
    return attendance


def test_whoever_names_a_room_is_in_it_and_whoever_hears_all_is_in_none() -> None:
    everything = Audience(Principal("dan", Role.OPERATOR), None)
    attendance = with_all(
        hearing("bob", "chat:lobby", "chat:attic"),
        hearing("alice", "chat:lobby", "inventory"),
        hearing("carol", "chat", "presence:lobby"),
        everything,
    )

    assert attendance.present() == {"lobby": Present(("alice", "bob")), "attic": Present(("bob",))}


def test_a_user_is_there_until_the_last_connection_has_gone() -> None:
    phone, page = hearing("alice", "chat:lobby"), hearing("alice", "chat:lobby", "inventory")
    attendance = with_all(phone, phone, page)

    for gone in (phone, page):
        attendance.left(gone)
        assert attendance.present() == {"lobby": Present(("alice",))}
    attendance.left(phone)
    assert attendance.present() == attendance.report == {}
    assert [*attendance.news()] == [("alice", "lobby")]
    assert vars(attendance) == vars(Attendance()), "nothing is kept of those who have gone"


def test_whoever_may_not_hear_a_room_is_not_in_it() -> None:
    stranger = hearing("eve", "chat:lobby", "presence:lobby", role=Role.ANONYMOUS)

    attendance = with_all(stranger)

    assert attendance.present() == {}
    assert not attendance.is_asked("lobby")
    assert not attendance.newcomers
    attendance.left(stranger)


def test_whoever_only_listens_is_in_no_room_but_may_ask_who_is() -> None:
    stream = hearing("carol", "chat:lobby", "presence:lobby")._replace(is_present=False)
    attendance = with_all(stream)

    assert attendance.present() == {}
    assert attendance.is_asked("lobby")
    attendance.left(stream)
    assert not attendance.is_asked("lobby")


def test_what_cannot_be_a_room_is_none() -> None:
    names = ("chat:", "chat:a b", "chat:..", "chat:" + "x" * 65, "chatter:lobby")

    assert with_all(hearing("alice", *names)).present() == {}


def test_what_is_asked_for_is_known_until_nobody_does_and_so_are_newcomers() -> None:
    asking, everywhere = hearing("alice", "presence:lobby"), hearing("bob", "presence")
    attendance = with_all(asking, asking, everywhere)

    assert attendance.newcomers == {"lobby"}
    assert attendance.has_newcomer_to_all
    for _ in range(2):
        assert attendance.is_asked("lobby")
        attendance.left(asking)
    assert not attendance.is_asked("lobby")
    assert not attendance.newcomers
    assert attendance.asks_for_all
    attendance.left(everywhere)
    assert not attendance.asks_for_all


def test_news_are_who_came_went_or_asked_and_where_and_are_given_once() -> None:
    alice, bob = hearing("alice", "chat:lobby", "chat:attic"), hearing("bob", "presence:lobby")
    attendance = with_all(alice, bob)

    assert {*attendance.news()} == {("alice", "attic"), ("alice", "lobby"), ("bob", "lobby")}
    attendance.left(bob)
    attendance.left(alice)
    assert {*attendance.news()} == {("bob", "lobby"), ("alice", "attic"), ("alice", "lobby")}
    assert [*attendance.news()] == []


def test_so_many_names_are_shown_and_the_others_are_counted() -> None:
    names = [f"user-{number:03}" for number in range(NAMED + 5)]

    assert listed(reversed(names)) == Present(tuple(names[:NAMED]), 5)


def test_of_several_nodes_each_user_is_shown_once() -> None:
    here, there = Present(("alice", "bob"), 0), Present(("bob", "carol"), 7)

    assert together([here, there]) == Present(("alice", "bob", "carol"), 7)
    assert together([]) == Present()


def test_what_other_nodes_are_told_fits_into_an_announcement_fullest_rooms_first() -> None:
    full = [
        hearing(f"{'ü' * 60}{user}", *(f"chat:{room:064}" for room in range(100)))
        for user in range(NAMED + 1)
    ]
    many = [
        hearing(f"user-{user}", *(f"chat:room-{user}-{room}" for room in range(100)))
        for user in range(20)
    ]
    attendance = with_all(*full, *many)
    small = with_all(*many)

    with capture_logs() as logs:
        attendance.present(), small.present()

    assert REPORT_BYTES / 2 < len(orjson.dumps(attendance.report)) <= REPORT_BYTES
    assert REPORT_BYTES + 1_000 < ANNOUNCED_BYTES
    assert all(len(room) == 64 for room in attendance.report)
    assert len(small.report) == ROOMS
    assert [line["rooms"] for line in logs] == [
        len(each.present()) - len(each.report) for each in (attendance, small)
    ]
