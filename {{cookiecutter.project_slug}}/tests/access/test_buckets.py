"""Token buckets: exact to the nanosecond, and no bigger than what they still know."""

from fractions import Fraction
from math import ceil

from hypothesis import given
from hypothesis import strategies as st

from app.access.buckets import SECOND, Buckets

RATES = st.integers(1, 1000) | st.integers(1, SECOND) | st.floats(0.001, 1000)
BURSTS = st.integers(1, 50)
STEPS = st.lists(st.integers(0, 3) | st.integers(0, 2 * SECOND), min_size=1, max_size=150)


class Clock:
    """Nanoseconds that pass when told to."""

    def __init__(self) -> None:
        self.now = 12_345

    def __call__(self) -> int:
        """The time."""
        return self.now


@given(RATES, BURSTS, STEPS)
def test_nobody_ever_gets_more_than_the_burst_and_what_the_rate_gives_meanwhile(
    rate: float, burst: int, steps: list[int]
) -> None:
    clock = Clock()
    buckets = Buckets(rate, burst, clock)
    taken: list[int] = []
    for step in steps:
        clock.now += step
        if not buckets.take("ada"):
            taken.append(clock.now)

    for first, began in enumerate(taken):
        for last in range(first, len(taken)):
            count, nanoseconds = last - first + 1, taken[last] - began
            assert count * SECOND <= burst * SECOND + Fraction(rate) * nanoseconds


@given(RATES, BURSTS)
def test_a_new_bucket_gives_its_burst_at_once_and_then_one_exactly_when_it_said(
    rate: float, burst: int
) -> None:
    clock = Clock()
    buckets = Buckets(rate, burst, clock)

    assert [buckets.take("ada") for _ in range(burst)] == [0] * burst
    wait = buckets.take("ada")
    assert 0 < wait <= ceil(SECOND / rate) + 1
    clock.now += wait - 1
    assert buckets.take("ada") == 1
    clock.now += 1
    assert buckets.take("ada") == 0


@given(RATES, BURSTS)
def test_nor_does_who_takes_each_token_the_moment_it_is_there(rate: float, burst: int) -> None:
    clock = Clock()
    buckets = Buckets(rate, burst, clock)
    began = clock.now
    for _ in range(burst):
        assert not buckets.take("ada")

    for count in range(burst + 1, burst + 100):
        clock.now += buckets.take("ada")
        assert not buckets.take("ada")
        assert count * SECOND <= burst * SECOND + Fraction(rate) * (clock.now - began)


def test_whoever_keeps_to_the_rate_is_never_refused() -> None:
    clock = Clock()
    buckets = Buckets(20, 1, clock)

    for _ in range(1000):
        assert buckets.take("ada") == 0
        clock.now += SECOND // 20


def test_what_is_refused_costs_nothing() -> None:
    clock = Clock()
    buckets = Buckets(1, 1, clock)
    buckets.take("ada")

    waits = [buckets.take("ada") for _ in range(100)]

    assert waits == [SECOND] * 100


@given(st.lists(st.tuples(st.sampled_from("abcde"), st.integers(0, SECOND)), max_size=200))
def test_forgetting_a_full_bucket_changes_no_answer(takes: list[tuple[str, int]]) -> None:
    clock = Clock()
    together = Buckets(5, 3, clock)
    alone = {name: Buckets(5, 3, clock) for name in "abcde"}

    for name, step in takes:
        clock.now += step
        assert together.take(name) == alone[name].take(name)


def test_full_buckets_are_forgotten() -> None:
    clock = Clock()
    buckets = Buckets(20, 40, clock)
    for number in range(1000):
        buckets.take(f"client-{number}")

    clock.now += 2 * SECOND
    for _ in range(1000):
        buckets.take("ada")

    assert len(buckets) == 1


def test_full_buckets_are_forgotten_behind_one_that_never_is() -> None:
    clock = Clock()
    buckets = Buckets(20, 40, clock)
    for _ in range(30):
        buckets.take("ada")

    for number in range(1000):
        clock.now += SECOND // 20
        buckets.take("ada")
        buckets.take(f"client-{number}")

    assert len(buckets) <= 3


def test_however_many_clients_come_at_once_only_so_many_are_kept() -> None:
    buckets = Buckets(1, 1, Clock(), kept=100)

    for number in range(1000):
        assert buckets.take(f"client-{number}") == 0

    assert len(buckets) == 100
    assert buckets.take("client-999") > 0


def test_buckets_that_are_full_again_are_forgotten_faster_than_others_are_taken_from() -> None:
    clock = Clock()
    buckets = Buckets(1, 1, clock)
    for number in range(100):
        buckets.take(f"user {number}")
    clock.now += 10 * SECOND
    for number in range(60):
        buckets.take(f"other {number}")

    assert len(buckets) < 100
