"""What is told where a moment of the log makes no test."""

import asyncio
from collections.abc import Callable
from dataclasses import replace

import pytest

from app.core.effects import Dispatch
from app.core.principal import Principal, Role
from app.core.rejected import Code, Rejected
from app.runtime.event_log.memory import MemoryLog
from app.runtime.history import History
from app.runtime.rules import Rules
from app.runtime.scenario import scenario_at
from tests.history.pasting import never_gone
from tests.runtime.tally import ME, TALLY, Add, Command, Event, Plan, open_tally

TallyRules = Rules[int, Command, Event]

pytestmark = pytest.mark.anyio


def all_but_the_service(principal: Principal, command: Command, state: int) -> None:
    if principal.role is Role.SYSTEM:
        raise Rejected(Code.FORBIDDEN, "the service may not Add")


STRICT: TallyRules = replace(TALLY, authorise=all_but_the_service)


def all_is_seen(action: Command | Event, by: Principal) -> bool:
    return True


async def denied() -> MemoryLog:
    """A log in which an event asked for a command that the policy denied."""
    event_log = MemoryLog()
    async with open_tally(event_log, STRICT) as store:
        await store.dispatch(Plan((Dispatch(Add(1)),)), by=ME)
        await until(lambda: store.seq == 2)
    return event_log


async def until(claim: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not claim():  # noqa: ASYNC110 - the Store has no signal for what nobody hears
            await asyncio.sleep(0)


@pytest.mark.parametrize(
    ("now", "words"),
    [
        (STRICT, "the policy denied what was asked for at position 2"),
        (TALLY, "today's rules decide position 2 otherwise"),
    ],
)
async def test_what_the_policy_has_denied_is_said_to_be_so(now: TallyRules, words: str) -> None:
    past = History(await denied(), now)

    async with past.turn():
        with pytest.raises(Rejected, match=words) as refusal:
            await scenario_at(past, 2, all_is_seen, never_gone)

    assert refusal.value.code is Code.CONFLICT


async def test_what_the_rules_refuse_makes_a_test() -> None:
    event_log = MemoryLog()
    async with open_tally(event_log) as store:
        await store.dispatch(Plan((Dispatch(Add(-1)),)), by=ME)
        await until(lambda: store.seq == 2)
    past = History(event_log, TALLY)

    async with past.turn():
        scenario = await scenario_at(past, 2, all_is_seen, never_gone)

    assert scenario.ruling.refused == (Code.CONFLICT, "-1 is less than nothing")
