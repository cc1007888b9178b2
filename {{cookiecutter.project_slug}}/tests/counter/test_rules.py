"""The rules of the counter."""

from app.core.principal import Principal, Role
from app.core.rejected import Code
from app.domain.counter.actions import Increment, Incremented, Reset, WasReset
from app.domain.counter.reducer import HIGHEST
from app.domain.counter.state import Counter
from app.domain.policy import may_send
from tests.scenario import given


def test_the_counter_counts_from_zero() -> None:
    given().when(Increment(3)).then(Incremented(3, 3))


def test_the_counter_counts_on() -> None:
    given(Incremented(3, 3)).when(Increment()).then(Incremented(1, 4))


def test_a_counter_that_was_reset_begins_again() -> None:
    given(Incremented(3, 3)).when(Reset()).then(WasReset())
    given(Incremented(3, 3), WasReset()).when(Increment()).then(Incremented(1, 1))


def test_the_counter_stops_at_its_highest() -> None:
    full = given(Incremented(1, HIGHEST))

    full.when(Increment()).then_rejected(Code.CONFLICT, "stops at")


def test_every_change_is_a_turn() -> None:
    assert given(Incremented(3, 3), WasReset()).state.counter == Counter(0, 2)


def test_only_an_operator_resets_the_counter() -> None:
    state = given().state

    assert may_send(Principal("a", Role.CUSTOMER), Increment(), state)
    assert not may_send(Principal("a", Role.CUSTOMER), Reset(), state)
    assert may_send(Principal("a", Role.OPERATOR), Reset(), state)
    assert not may_send(Principal("anonymous", Role.ANONYMOUS), Increment(), state)
