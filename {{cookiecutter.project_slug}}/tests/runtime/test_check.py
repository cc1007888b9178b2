"""An edited domain is held against the log of the one before: every difference is told, no more."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest

from app.core.effects import Append, Delay, Dispatch
from app.core.environment import Environment
from app.core.rejected import Code, Rejected
from app.runtime.check import CannotBeRead, Check, DecidedDifferently, Difference, Ending
from app.runtime.compare import StateDiffers, compare_states
from app.runtime.event_log.memory import MemoryLog
from app.runtime.event_log.port import Entry, Snapshot
from app.runtime.rules import Rules
from tests.runtime.tally import (
    ME,
    TALLY,
    Add,
    Added,
    Plan,
    Planned,
    Shout,
    decode,
    encode,
    open_tally,
    reduce,
)

pytestmark = pytest.mark.anyio

TallyRules = Rules[int, Any, Any]
Step = tuple[int, list[Any]]


async def log_of(*commands: Any) -> Sequence[Entry]:
    """The entries of a log in which these were decided, and all that followed from them."""
    event_log = MemoryLog()
    async with open_tally(event_log) as store:
        for number, command in enumerate(commands):
            await store.dispatch(command, by=ME, id=f"id-{number}")
    return await event_log.read(0, 1000)


def edited(
    decide: Callable[[int, Any, Environment], Step | None], **more: Any
) -> Rules[int, Any, Any]:
    """The tally with another rule where `decide` gives one."""

    def reduced(state: int, action: Any, env: Environment) -> Step:
        return decide(state, action, env) or reduce(state, action, env)

    rules: TallyRules = replace(TALLY, reduce=reduced, **more)
    return rules


def found(
    entries: Sequence[Entry], rules: TallyRules = TALLY, snapshot: Snapshot | None = None
) -> list[Difference]:
    return list(Check(rules, snapshot).differences(entries))


async def test_the_same_domain_differs_in_nothing() -> None:
    plan = Plan((Delay(3600, Add(1), key="later"), Dispatch(Add(-99))))
    entries = await log_of(Add(5), Add(1, more=2), Shout("hey"), plan)

    assert any((entry.outcome or "").startswith("refused") for entry in entries)
    assert found(entries) == []


async def test_an_accepted_command_that_would_be_refused_is_told_with_the_reason() -> None:
    def modest(state: int, action: Any, env: Environment) -> Step | None:
        if isinstance(action, Add) and action.amount > 3:
            raise Rejected(Code.CONFLICT, f"{action.amount} is too much")
        return None

    entries = await log_of(Add(1), Add(5), Add(2))

    (difference,) = found(entries, edited(modest))

    assert difference == DecidedDifferently(
        position=2,
        by="me (operator)",
        action=encode(Add(5)),
        then=Ending(((encode(Added(5, 0, 6)), None),)),
        now=Ending(refused="5 is too much"),
    )


async def test_a_command_without_events_that_would_be_refused_is_told() -> None:
    def quiet(state: int, action: Any, env: Environment) -> Step | None:
        if isinstance(action, Shout):
            raise Rejected(Code.CONFLICT, "hush")
        return None

    (difference,) = found(await log_of(Shout("hey")), edited(quiet))

    assert isinstance(difference, DecidedDifferently)
    assert (difference.then, difference.now) == (Ending(), Ending(refused="hush"))


async def test_a_refused_command_of_the_service_that_would_be_accepted_is_told() -> None:
    def generous(state: int, action: Any, env: Environment) -> Step | None:
        if isinstance(action, Add):
            return state, [Append(Added(action.amount, action.more, state + action.amount))]
        return None

    entries = await log_of(Plan((Dispatch(Add(-7)),)))

    (difference,) = found(entries, edited(generous))

    assert isinstance(difference, DecidedDifferently)
    assert difference.by == "system (system)"
    assert difference.then == Ending(refused="-7 is less than nothing")
    assert [decode(event) for event, _ in difference.now.events] == [Added(-7, 0, -7)]


async def test_other_words_of_a_refusal_are_no_difference() -> None:
    def polite(state: int, action: Any, env: Environment) -> Step | None:
        if isinstance(action, Add) and state + action.amount < 0:
            raise Rejected(Code.CONFLICT, "if you please, not below nothing")
        return None

    assert found(await log_of(Plan((Dispatch(Add(-7)),))), edited(polite)) == []


async def test_other_effects_of_the_same_event_are_told() -> None:
    def hasty(state: int, action: Any, env: Environment) -> Step | None:
        if isinstance(action, Planned):
            return state, [Delay(1, Add(1))]
        return None

    entries = await log_of(Plan((Delay(3600, Add(1)),)))

    (difference,) = found(entries, edited(hasty))

    assert isinstance(difference, DecidedDifferently)
    (then,), (now,) = difference.then.events, difference.now.events
    assert then[0] == now[0]
    assert decode(then[1] or "") == [Delay(3600, Add(1))]
    assert decode(now[1] or "") == [Delay(1, Add(1))]


async def test_a_rule_with_a_mistake_is_told_as_one() -> None:
    def faulty(state: int, action: Any, env: Environment) -> Step | None:
        return (1 // 0, []) if isinstance(action, Add) else None

    (difference,) = found(await log_of(Add(1)), edited(faulty))

    assert isinstance(difference, DecidedDifferently)
    assert (difference.now.refused or "").startswith("ZeroDivisionError")


async def test_a_command_is_decided_at_its_own_time_with_its_own_ids() -> None:
    def dated(state: int, action: Any, env: Environment) -> Step | None:
        if isinstance(action, Add):
            return state, [Append(Added(env.time, 0, 1)), Append(Shout(env.new_id()))]
        return (state + 1, []) if isinstance(action, Shout) else None

    rules = edited(dated)
    event_log = MemoryLog()
    async with open_tally(event_log, rules) as store:
        await store.dispatch(Add(1), by=ME)
        await store.dispatch(Add(1), by=ME)

    entries = await event_log.read(0, 10)
    assert len(entries) == 4
    assert found(entries, rules) == []


async def test_everything_that_cannot_be_read_is_told_and_the_rest_goes_on() -> None:
    entries = list(await log_of(Add(1), Add(2), Add(3), Plan((Delay(3600, Add(1)),))))
    entries[0] = entries[0]._replace(event="gone")
    entries[3] = entries[3]._replace(effects="gone too")
    check: Check[int, Any, Any] = Check(TALLY)

    all_of_them = list(check.differences(entries))

    first, second = (each for each in all_of_them if isinstance(each, CannotBeRead))
    assert first == CannotBeRead(1, "event", "unknown action gone", "gone")
    assert second == CannotBeRead(4, "effects", "unknown action gone too", "gone too")
    assert check.unsure_after == 1
    assert [each.position for each in all_of_them if is_ruling(each)] == [2]


async def test_effects_that_cannot_be_read_make_nothing_unsure_that_comes_after_them() -> None:
    entries = list(await log_of(Plan((Delay(3600, Add(1)),)), Add(1)))
    entries[0] = entries[0]._replace(effects="gone")
    check: Check[int, Any, Any] = Check(TALLY)

    assert list(check.differences(entries)) == [
        CannotBeRead(1, "effects", "unknown action gone", "gone")
    ]
    assert check.unsure_after is None


async def test_an_event_that_cannot_be_applied_is_told() -> None:
    def faulty(state: int, action: Any, env: Environment) -> Step | None:
        return (1 // 0, []) if isinstance(action, Added) and action.total == 3 else None

    entries = await log_of(Add(1), Add(2))
    check: Check[int, Any, Any] = Check(edited(faulty))

    (difference,) = check.differences(entries)

    assert isinstance(difference, CannotBeRead)
    assert (difference.position, difference.part) == (2, "event")
    assert difference.words.startswith("ZeroDivisionError")


async def test_a_role_that_is_no_more_is_told() -> None:
    (entry,) = await log_of(Add(1))

    (difference,) = found([entry._replace(role="emperor")])

    assert isinstance(difference, CannotBeRead)
    assert "emperor" in difference.words


async def test_a_command_that_cannot_be_read_any_more_is_told() -> None:
    (entry,) = await log_of(Add(1))

    (difference,) = found([entry._replace(action="gone")])

    assert isinstance(difference, DecidedDifferently)
    assert difference.now.refused == "cannot be read: unknown action gone"


async def test_an_event_that_was_brought_up_to_date_is_no_difference() -> None:
    entries = await log_of(Add(1))

    def upcast(text: str) -> Any:
        event = decode(text)
        return Added(event["old"], 0, 1) if isinstance(event, dict) else event

    old = [entries[0]._replace(event=encode({"old": 1}))]

    assert found(old, replace(TALLY, decode_event=upcast)) == []


async def test_a_state_that_comes_out_otherwise_than_in_the_snapshot_is_told() -> None:
    def double(state: int, action: Any, env: Environment) -> Step | None:
        return (state + 2 * action.amount, []) if isinstance(action, Added) else None

    entries = await log_of(Add(1), Add(1), Add(1))
    snapshot = Snapshot(2, "of another version", [("head", "[0,0,[]]"), ("state.total", "2")])

    states = [each for each in found(entries, edited(double), snapshot) if not is_ruling(each)]

    assert found(entries, TALLY, snapshot) == []
    assert states == [StateDiffers(2, "total", "", "2", "4")]


def is_ruling(difference: Difference) -> bool:
    return isinstance(difference, DecidedDifferently)


@pytest.mark.parametrize(
    ("then", "now", "differing"),
    [
        ([("a.m", '[["x",1],["y",2]]')], [("a.m", '[["y",2],["x",1]]')], []),
        ([("a.m", '[["x",1]]'), ("a.m", '[["y",2]]')], [("a.m", '[["x",1],["y",2]]')], []),
        ([("a.m", '[["x",1]]')], [("a.m", '[["x",2]]')], [("a.m", '"x"', "1", "2")]),
        ([("a.m", '[["x",1]]')], [], [("a.m", '"x"', "1", None)]),
        ([("a.m", "[]")], [("a.m", '[["x",1]]')], [("a.m", '"x"', None, "1")]),
        ([("a.l", "[]")], [("a.l", "[5]")], [("a.l", "0", None, "5")]),
        ([("a.l", "[1,2]")], [("a.l", "[2,1]")], [("a.l", "0", "1", "2"), ("a.l", "1", "2", "1")]),
        ([("a.l", "[1]")], [("a.l", "[1,5]")], [("a.l", "1", None, "5")]),
        ([("a.l", "[[1,2],[1,3]]")], [("a.l", "[[1,4],[1,3]]")], [("a.l", "0", "[1,2]", "[1,4]")]),
        ([("a.m", '[["x",[1]]]')], [("a.m", '[["x",[1,2]]]')], [("a.m", '"x"', "[1]", "[1,2]")]),
        ([("a.m", '[["x",{"p":1}]]')], [("a.m", '[["x",{"p":1,"q":2}]]')], []),
        (
            [("a.m", '[["x",{"p":1,"q":2}]]')],
            [("a.m", '[["x",{"p":1}]]')],
            [("a.m", '"x"', '{"p":1,"q":2}', '{"p":1}')],
        ),
        ([], [("a.new", "0"), ("a.newlist", "[5]"), ("a.newmap", '[["x",1]]')], []),
        ([("a.n", "null")], [("a.n", "0")], [("a.n", "", "null", "0")]),
        ([("a.old", "0")], [], [("a.old", "", "0", None)]),
        ([("a.s", "[1]")], [("a.s", '{"p":1}')], [("a.s", "", "[1]", '{"p":1}')]),
    ],
)
def test_states_are_compared_by_name_and_key(
    then: list[tuple[str, str]],
    now: list[tuple[str, str]],
    differing: list[tuple[str, str, str | None, str | None]],
) -> None:
    snapshot = [(f"state.{name}", text) for name, text in then]

    assert list(compare_states(7, snapshot, now)) == [StateDiffers(7, *each) for each in differing]
