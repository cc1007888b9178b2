"""The State can be written down and read again, whatever is in it."""

from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.domain import Event, State, reduce
from app.wire.state import decode_state, encode_state
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
