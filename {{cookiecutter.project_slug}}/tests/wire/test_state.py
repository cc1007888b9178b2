"""The State can be written down and read again, whatever is in it."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rpds import HashTrieMap

from app.domain import Event, State, reduce
from app.domain.persistent_list import PersistentList
from app.wire.state import decode_state, encode_state, fields_of
from tests.scenario import environment
from tests.wire.test_codec import any_of


def first_of_their_kind(events: list[Any]) -> State:
    """The State after those events that can come first, as far as that goes."""
    state = State()
    for event in events:
        try:
            state, _ = reduce(state, event, environment())
        except KeyError:  # of something that was never there: no such event would be in a log
            continue
    return state


@settings(max_examples=50, suppress_health_check=[HealthCheck.filter_too_much])
@given(st.lists(any_of(Event), max_size=20))
def test_a_state_is_read_as_it_was_written(events: list[Any]) -> None:
    state = first_of_their_kind(events)

    assert decode_state(encode_state(state)) == state


def test_what_is_empty_is_written_too() -> None:
    named = {name for name, _ in encode_state(State())}

    assert named == {
        f"{branch}.{field.name}"
        for branch in State._fields
        for field in fields(getattr(State(), branch))
    }


@dataclass(frozen=True, slots=True)
class Choice:
    """What can be voted for; it may go on in others of its kind."""

    name: str
    votes: HashTrieMap[str, int] = HashTrieMap()
    others: tuple[Choice, ...] = ()


@dataclass(frozen=True, slots=True)
class Poll:
    """What is voted about."""

    choices: tuple[Choice, ...]


@dataclass(frozen=True, slots=True)
class Polls:
    """A map within an item."""

    by_id: HashTrieMap[str, Poll] = HashTrieMap()


@dataclass(frozen=True, slots=True)
class Votes:
    """A map within a map."""

    by_poll: HashTrieMap[str, HashTrieMap[str, int]] = HashTrieMap()


@dataclass(frozen=True, slots=True)
class Running:
    """A map within the one item."""

    poll: Poll | None = None


@dataclass(frozen=True, slots=True)
class Odd:
    """What nobody can write down."""

    one: pytest.Item


@dataclass(frozen=True, slots=True)
class Counted:
    """Some of the numbers."""

    by_id: HashTrieMap[str, PersistentList[int]] = HashTrieMap()
    latest: tuple[PersistentList[int], ...] = ()


@pytest.mark.parametrize(
    ("branch", "words"),
    [
        (Polls, "Choice.votes: a HashTrieMap may only be a field of the branch itself, of Polls:"),
        (Votes, "Votes.by_poll: a HashTrieMap may only be a field of the branch itself, of Votes:"),
        (Running, "Choice.votes: a HashTrieMap may only be a field of the branch itself, of Runni"),
        (Odd, "Odd.one: Unable to generate"),
    ],
)
def test_what_no_snapshot_can_have_is_named(branch: type, words: str) -> None:
    with pytest.raises(TypeError, match=words):
        fields_of(branch)


def test_a_sequence_may_be_within_an_item() -> None:
    numbers = PersistentList.of(range(100))
    kept = Counted(HashTrieMap({"a": numbers}), (numbers, PersistentList()))

    for name, field in fields_of(Counted).items():
        value = getattr(kept, name)
        assert field.read(list(field.write(value))) == value
