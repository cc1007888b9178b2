"""Who is brought up by one that brings up many waits, and nobody else does."""

from app.live.turns import Turns


def test_those_who_bring_up_rooms_take_turns_and_each_room_keeps_its_place() -> None:
    turns = Turns()
    for number in range(1_000):
        turns.add("eve", f"of-eve-{number}")
    turns.add("alice", "lobby")
    turns.add("alice", "attic")
    turns.add("eve", "of-eve-0")

    assert turns.take(4) == ["of-eve-0", "lobby", "of-eve-1", "attic"]
    assert turns.take(2) == ["of-eve-2", "of-eve-3"]


def test_a_room_that_many_bring_up_is_taken_once_and_as_soon_as_for_any_of_them() -> None:
    turns = Turns()
    for number in range(1_000):
        turns.add("eve", f"of-eve-{number}")
    turns.add("eve", "lobby")
    for number in range(100):
        turns.add(f"user-{number}", "lobby")
    turns.add("zoe", "attic")

    assert turns.take(3) == ["of-eve-0", "lobby", "attic"]
    assert len(turns) == 999


def test_what_is_dropped_is_kept_nowhere() -> None:
    turns = Turns()
    turns.add("alice", "lobby")
    turns.add("bob", "lobby")

    turns.drop("lobby")
    turns.drop("attic")

    assert turns.take(9) == []
    assert vars(turns) == vars(Turns())
