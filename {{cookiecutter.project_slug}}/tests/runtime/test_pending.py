"""The table of effects: what begins, what waits, what ends, and that nothing of it stays behind."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random
from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.effects import Cancel, Delay, Dispatch, Durable, Parallel, Run, Sequential
from app.runtime.pending import Changing, PendingEffects, Turn, place
from tests.runtime.tally import Add, Command, Work

NOW = 7
EMPTY: PendingEffects[Command] = PendingEffects()


def do(amount: int) -> Dispatch[Command]:
    return Dispatch(Add(amount))


def keyed(key: str) -> Run[Command]:
    return Run(Work("any"), key)


def together(*effects: Durable[Command]) -> Parallel[Command]:
    return Parallel(effects)


def in_turn(*effects: Durable[Command]) -> Sequential[Command]:
    return Sequential(effects)


@dataclass
class Table:
    """Effects as entries change them, one after another; `last` is what the last one did."""

    effects: PendingEffects[Command]
    last: Changing[Command]
    position: int = 0

    def asks(self, *effects: Durable[Command]) -> Table:
        """An event asks for these."""
        return self._entry(effects=effects)

    def settles(self, origin: str, *effects: Durable[Command]) -> Table:
        """An effect ends, and the event that it leads to asks for these."""
        return self._entry(origin, effects)

    def turns(self, *turns: Turn, origin: str = "1.0", words: str = "") -> Table:
        """An effect goes on."""
        for turn in turns:
            changing = Changing(self.effects, NOW + self.position)
            changing.turn(origin, turn, words)
            self.effects = changing.result()
        return self

    def _entry(self, origin: str | None = None, effects: Sequence[Durable[Command]] = ()) -> Table:
        self.position += 1
        self.last = Changing(self.effects, NOW + self.position)
        if origin is not None:
            self.last.settle(origin)
        self.last.ask(self.position, effects, "mine")
        self.effects = self.last.result()
        return self

    @property
    def pending(self) -> list[str]:
        """The origins of all that has begun and not ended, in order."""
        return sorted(self.effects.pending, key=place)

    @property
    def begun(self) -> list[str]:
        """What the last entry began."""
        return self.last.begun


def table(*effects: Durable[Command]) -> Table:
    """What an event at position 1 leads to that asks for these."""
    return Table(EMPTY, Changing(EMPTY, NOW)).asks(*effects)


def users(effects: PendingEffects[Command]) -> dict[str, set[str]]:
    """Who uses each key."""
    keyed = effects.keyed.items()
    return {key: {users} if isinstance(users, str) else set(users) for key, users in keyed}


def require_empty(effects: PendingEffects[Command]) -> None:
    assert [dict(effects.pending), dict(effects.groups), dict(effects.keyed)] == [{}, {}, {}]
    assert not effects.dead


def test_effects_begin_in_their_order_with_the_time_and_cause_of_their_event() -> None:
    asked = table(do(1), keyed("k"), Delay(3, Add(2)))

    assert asked.begun == ["1.0", "1.1", "1.2"]
    first = asked.effects.pending["1.0"]
    assert (first.effect, first.since, first.cause) == (do(1), NOW + 1, "mine")
    assert users(asked.effects) == {"k": {"1.1"}}


def test_an_effect_that_ends_is_forgotten_with_its_key() -> None:
    require_empty(table(keyed("k")).settles("1.0").effects)


def test_an_effect_ends_before_what_the_same_entry_asks_for_begins() -> None:
    changed = table(keyed("k")).settles("1.0", Cancel("k"), keyed("k"))

    assert changed.last.cancelled == []
    assert changed.pending == ["2.1"]


def test_an_effect_ends_once() -> None:
    with pytest.raises(KeyError):
        table(do(1)).settles("1.0").settles("1.0")


def test_a_parallel_begins_all_at_once_and_ends_with_the_last() -> None:
    asked = table(in_turn(together(do(1), do(2), do(3)), do(4)))

    assert asked.begun == ["1.0.0.0", "1.0.0.1", "1.0.0.2"]
    assert asked.settles("1.0.0.1").begun == []
    assert asked.settles("1.0.0.0").begun == []
    assert asked.settles("1.0.0.2").begun == ["1.0.1"]
    require_empty(asked.settles("1.0.1").effects)


def test_a_sequential_begins_each_when_the_one_before_has_ended_and_counts_from_then() -> None:
    asked = table(in_turn(do(1), Delay(5, Add(2)), do(3)))

    assert asked.begun == ["1.0.0"]
    assert asked.settles("1.0.0").begun == ["1.0.1"]
    assert asked.effects.pending["1.0.1"].since == NOW + 2
    assert asked.effects.pending["1.0.1"].cause == "mine"
    assert asked.settles("1.0.1").begun == ["1.0.2"]
    require_empty(asked.settles("1.0.2").effects)


def test_groups_in_groups_begin_and_end_in_their_turn() -> None:
    asked = table(together(in_turn(do(1), do(2)), in_turn(together(), do(3))), do(4))

    assert asked.begun == ["1.0.0.0", "1.0.1.1", "1.1"]
    assert asked.settles("1.0.0.0").begun == ["1.0.0.1"]
    for origin in "1.0.1.1", "1.0.0.1", "1.1":
        asked.settles(origin)
    require_empty(asked.effects)


@pytest.mark.parametrize("empty", [together(), in_turn(), in_turn(together(), in_turn())])
def test_an_empty_group_has_ended_already(empty: Durable[Command]) -> None:
    require_empty(table(empty).effects)
    assert table(in_turn(empty, do(1))).begun == ["1.0.1"]


def test_a_cancel_ends_all_that_have_begun_with_its_key_and_no_other() -> None:
    asked = table(keyed("k"), Delay(9, Add(1), "k"), keyed("other"), do(1)).asks(Cancel("k"))

    assert asked.last.cancelled == ["1.0", "1.1"]
    assert asked.pending == ["1.2", "1.3"]
    assert users(asked.effects) == {"other": {"1.2"}}


def test_a_cancel_of_nothing_does_nothing() -> None:
    asked = table(Cancel("k"), keyed("k"))

    assert asked.pending == ["1.1"]


def test_a_cancel_sees_what_stands_before_it_in_its_own_event() -> None:
    assert table(keyed("k"), Cancel("k"), keyed("k")).pending == ["1.2"]


def test_what_has_begun_and_is_cancelled_at_once_is_not_pending() -> None:
    asked = table(keyed("k"), Cancel("k"))

    assert (asked.begun, asked.last.cancelled, asked.pending) == (["1.0"], ["1.0"], [])


def test_a_sequential_goes_on_after_a_cancelled_child() -> None:
    asked = table(in_turn(keyed("k"), do(1))).asks(Cancel("k"))

    assert asked.begun == ["1.0.1"]


def test_a_cancelled_child_whose_turn_has_not_come_is_passed_over() -> None:
    asked = table(in_turn(do(1), keyed("k"), do(2), together(keyed("k"), do(3))))

    asked.asks(Cancel("k"))
    assert (asked.last.cancelled, asked.pending) == ([], ["1.0.0"])
    assert asked.settles("1.0.0").begun == ["1.0.2"]
    assert asked.settles("1.0.2").begun == ["1.0.3.1"]
    require_empty(asked.settles("1.0.3.1").effects)


def test_any_number_of_children_is_passed_over() -> None:
    children = [together(keyed("k")) if number % 2 else keyed("k") for number in range(5_000)]
    asked = table(in_turn(do(1), *children, do(2)))

    asked.asks(Cancel("k"))

    assert asked.settles("1.0.0").begun == ["1.0.5001"]
    require_empty(asked.settles("1.0.5001").effects)


def test_any_number_of_effects_share_a_key() -> None:
    began = process_time()

    asked = table(*[keyed("k")] * 40_000)
    for number in range(4_000):
        asked.settles(f"1.{number}")
    asked.asks(Cancel("k"))

    assert asked.last.cancelled == [f"1.{number}" for number in range(4_000, 40_000)]
    require_empty(asked.effects)
    assert process_time() - began < 4  # eight, where each copies all the others


def test_two_keys_can_be_cancelled_before_their_turn() -> None:
    asked = table(in_turn(do(1), keyed("k"), keyed("l"), do(2)))

    asked.asks(Cancel("k")).asks(Cancel("l"))

    assert asked.settles("1.0.0").begun == ["1.0.3"]


def test_a_key_that_is_used_again_later_is_cancelled_there_too() -> None:
    asked = table(in_turn(do(1), keyed("k"), keyed("k"), do(2))).settles("1.0.0")
    assert asked.pending == ["1.0.1"]

    assert asked.asks(Cancel("k")).begun == ["1.0.3"]


def test_the_same_key_asked_for_after_a_cancel_is_another_matter() -> None:
    asked = table(in_turn(do(1), keyed("k"))).asks(Cancel("k"), keyed("k"))

    assert asked.pending == ["1.0.0", "2.1"]
    assert asked.settles("1.0.0").pending == ["2.1"]
    require_empty(asked.settles("2.1").effects)


def test_a_cancel_inside_of_a_group_ends_what_has_its_key_then() -> None:
    asked = table(keyed("k"), in_turn(do(1), Cancel("k"), do(2)))

    assert asked.pending == ["1.0", "1.1.0"]
    asked.settles("1.1.0")
    assert (asked.last.cancelled, asked.begun) == (["1.0"], ["1.1.2"])


def test_a_cancel_inside_of_a_group_reaches_its_own_siblings() -> None:
    asked = table(together(keyed("k"), in_turn(do(1), Cancel("k"), keyed("k"), do(2))))

    asked.settles("1.0.1.0")

    assert asked.last.cancelled == ["1.0.0"]
    assert asked.pending == ["1.0.1.3"]


def test_attempts_and_commands_are_counted() -> None:
    asked = table(keyed("k"))

    asked.turns(Turn.STARTED, Turn.STARTED)
    assert asked.effects.pending["1.0"].attempts == 2
    asked.turns(Turn.INTERRUPTED)
    assert asked.effects.pending["1.0"].attempts == 1
    asked.turns(Turn.STARTED, Turn.STARTED, Turn.GIVEN, Turn.GIVEN)
    now = asked.effects.pending["1.0"]
    assert (now.attempts, now.given) == (1, 2)


def test_dead_letters_are_listed_as_they_died_and_still_have_their_key() -> None:
    asked = table(keyed("k"), keyed("k"), do(1))
    asked.turns(Turn.DEAD, origin="1.1", words="why").asks(do(1))
    asked.turns(Turn.DEAD, origin="2.0").turns(Turn.DEAD, origin="1.0")  # in one moment

    dead = asked.effects.dead
    assert list(dead) == ["1.1", "2.0", "1.0"]
    assert list(dead.after("1.1")) == ["2.0", "1.0"]
    assert list(dead.after("1.0")) == []
    assert list(dead.after("7.0")) == list(dead), "of one that is none: from the beginning"
    assert asked.effects.pending["1.1"].dead == "why"
    asked.asks(Cancel("k"))
    assert list(asked.effects.dead) == ["2.0"]
    assert asked.pending == ["1.2", "2.0"]


def test_a_dead_letter_that_is_retried_begins_its_count_anew() -> None:
    asked = table(keyed("k")).turns(Turn.STARTED, Turn.STARTED, Turn.DEAD, Turn.RETRIED)

    now = asked.effects.pending["1.0"]
    assert (now.attempts, now.dead, len(asked.effects.dead)) == (0, None, 0)


def test_a_dead_letter_holds_up_what_comes_after_it_until_it_is_settled() -> None:
    asked = table(in_turn(keyed("k"), do(1))).turns(Turn.DEAD, origin="1.0.0")

    assert asked.pending == ["1.0.0"]
    assert asked.settles("1.0.0").pending == ["1.0.1"]
    assert not asked.effects.dead


LEAVES: st.SearchStrategy[Durable[Command]] = st.one_of(
    st.builds(do, st.integers(1, 3)),
    st.builds(keyed, st.sampled_from("kl")),
    st.builds(Cancel, st.sampled_from("kl")),
)
TREES: st.SearchStrategy[Durable[Command]] = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda some: together(*some)),
        st.lists(inner, max_size=3).map(lambda some: in_turn(*some)),
    ),
    max_leaves=8,
)
EVENTS = st.lists(st.lists(TREES, max_size=3), max_size=4)


def leaves(effect: Durable[Command], origin: str) -> Iterator[tuple[str, str | None]]:
    """The origin and the key of everything in a tree that could ever begin."""
    if isinstance(effect, Parallel | Sequential):
        for number, child in enumerate(effect.effects):
            yield from leaves(child, f"{origin}.{number}")
    elif not isinstance(effect, Cancel):
        yield origin, getattr(effect, "key", None)


@given(EVENTS, st.randoms(use_true_random=False))
def test_whatever_is_asked_for_ends_once_and_leaves_nothing_behind(
    events: list[list[Durable[Command]]], chance: Random
) -> None:
    """Each leaf begins and ends once, or is passed over because its key was cancelled."""
    changed = Table(EMPTY, Changing(EMPTY, NOW))
    every: dict[str, str | None] = {}
    begun: list[str] = []
    ended: list[str] = []
    cancels = {each.key for event in events for tree in event for each in cancels_in(tree)}
    while events or changed.pending:
        asked = events.pop() if events and chance.random() < 0.5 else []
        if changed.pending and chance.random() < 0.7:
            origin = chance.choice(changed.pending)
            if chance.random() < 0.2:
                changed.turns(Turn.DEAD, origin=origin)
            changed.settles(origin, *asked)
            ended.append(origin)
        else:
            changed.asks(*asked)
        for number, tree in enumerate(asked):
            every.update(leaves(tree, f"{changed.position}.{number}"))
        begun.extend(changed.begun)
        ended.extend(changed.last.cancelled)
        require_consistent(changed.effects)

    require_empty(changed.effects)
    assert sorted(begun) == sorted(ended)
    assert len(set(begun)) == len(begun)
    assert set(begun) <= set(every)
    assert {every[origin] for origin in set(every) - set(begun)} <= cancels


def cancels_in(effect: Durable[Command]) -> Iterator[Cancel]:
    """Every Cancel in a tree."""
    if isinstance(effect, Parallel | Sequential):
        for child in effect.effects:
            yield from cancels_in(child)
    elif isinstance(effect, Cancel):
        yield effect


def require_consistent(effects: PendingEffects[Command]) -> None:
    """Each key names effects that are pending or to come, and each group has open children."""
    for origins in users(effects).values():
        assert origins
        for origin in origins:
            assert origin in effects.pending or origin in effects.groups
    for origin, group in effects.groups.items():
        assert 0 < group.open <= group.next <= len(group.effect.effects)
        assert any(other.startswith(f"{origin}.") for other in effects.pending)
    assert {o for o, each in effects.pending.items() if each.dead is not None} == set(effects.dead)
