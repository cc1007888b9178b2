"""Whoever listens hears every event once and in order, and every caller its own answer."""

import asyncio
from dataclasses import replace

import pytest

from app.core.principal import Principal, Role
from app.runtime.decision import Happened
from app.runtime.event_log.memory import MemoryLog
from tests.runtime.tally import ME, TALLY, Add, Event, Shout, Shouted, open_tally

pytestmark = pytest.mark.anyio


async def test_of_a_topic_that_has_an_interval_everybody_hears_the_first_and_the_last() -> None:
    heard: list[Happened[Event]] = []
    rules = replace(TALLY, intervals={"shouted": 0.2})
    async with open_tally(MemoryLog(), rules) as store:
        store.listeners.append(heard.extend)
        shouts = [store.submit(Shout(str(number)), by=ME) for number in range(10)]
        await asyncio.gather(*shouts)
        await store.dispatch(Add(1), by=ME)

        async with asyncio.timeout(5):
            while len(heard) < 3:  # noqa: ASYNC110 - the last one comes by a timer
                await asyncio.sleep(0.01)

    assert [each.event for each in heard if each.seq is None] == [Shouted("0"), Shouted("9")]
    assert [each.seq for each in heard] == [None, 1, None], "what is stored waits for nothing"


async def test_fifty_callers_each_get_their_own_answer_ten_thousand_times() -> None:
    async with open_tally(MemoryLog()) as store:

        async def caller(number: int) -> int:
            me = Principal(f"caller-{number}", Role.OPERATOR)
            for turn in range(200):
                amount = number * 1000 + turn
                outcome = await store.dispatch(Add(amount), by=me, id=str(turn))
                (happened,) = outcome.events
                assert happened.event.amount == amount  # type: ignore[union-attr]
                assert happened.cause == str(turn)
                assert happened.seq == outcome.seq
            return 200

        answers = await asyncio.gather(*(caller(number) for number in range(50)))

    assert sum(answers) == 10_000
