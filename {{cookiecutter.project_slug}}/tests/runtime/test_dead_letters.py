"""The dead letters keep the order in which they died, whichever of them go."""

from time import process_time

from hypothesis import given
from hypothesis import strategies as st

from app.runtime.dead_letters import DeadLetters

ORIGINS = st.integers(1, 6).map(lambda number: f"{number}.0")


@given(st.lists(st.tuples(st.booleans(), ORIGINS)), ORIGINS)
def test_they_are_in_the_order_in_which_they_died(
    story: list[tuple[bool, str]], after: str
) -> None:
    letters, expected = DeadLetters(), list[str]()
    for has_died, origin in story:
        expected = [each for each in expected if each != origin] + [origin] * has_died
        letters = letters.added(origin) if has_died else letters.without(origin)

    assert (list(letters), len(letters)) == (expected, len(expected))
    begin = expected.index(after) + 1 if after in expected else 0
    assert list(letters.after(after)) == expected[begin:]


def test_one_that_is_added_changes_nothing_for_whoever_has_the_others() -> None:
    before = DeadLetters().added("1.0")
    after = before.added("2.0")

    assert (list(before), list(after)) == (["1.0"], ["1.0", "2.0"])


def test_the_next_is_found_without_a_look_at_all_the_others() -> None:
    letters = DeadLetters()
    for number in range(30_000):
        letters = letters.added(f"{number}.0")
    began = process_time()

    for number in range(29_900):
        assert next(letters.after(f"{number}.0")) == f"{number + 1}.0"

    assert process_time() - began < 2  # with a look at all of them it would take an hour
