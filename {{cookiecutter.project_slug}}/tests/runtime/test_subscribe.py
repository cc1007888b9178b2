"""Whoever subscribes hears every event once and in order, and nobody waits for them."""

import asyncio
from dataclasses import replace

import pytest

from app.core.principal import Principal, Role
from app.runtime import broadcast
from app.runtime.decision import Happened
from app.runtime.event_log.memory import MemoryLog
from tests.runtime.tally import ME, TALLY, Add, Event, Shout, Shouted, TallyStore, open_tally

pytestmark = pytest.mark.anyio


async def add(store: TallyStore, times: int) -> None:
    for _ in range(times):
        await store.dispatch(Add(1), by=ME)


async def test_a_subscription_hears_what_was_and_what_comes_without_gap_or_repeat() -> None:
    async with open_tally(MemoryLog()) as store:
        await add(store, 300)
        async with store.subscribe(after=0) as events:
            writer = asyncio.create_task(add(store, 300))
            heard = [(await anext(events)).seq for _ in range(600)]
            await writer

    assert heard == list(range(1, 601))


async def test_a_subscription_from_now_on_hears_nothing_old() -> None:
    async with open_tally(MemoryLog()) as store:
        await add(store, 3)
        async with store.subscribe() as events:
            await add(store, 1)

            assert (await anext(events)).seq == 4


async def test_a_subscription_hears_what_happens_before_it_is_entered() -> None:
    async with open_tally(MemoryLog()) as store, asyncio.timeout(5):
        subscription = store.subscribe()
        await add(store, 1)
        async with subscription as events:
            assert (await anext(events)).seq == 1


async def test_a_subscription_from_a_later_position_hears_nothing_before_it() -> None:
    async with open_tally(MemoryLog()) as store, store.subscribe(after=3) as events:
        await add(store, 5)

        assert [(await anext(events)).seq for _ in range(2)] == [4, 5]


async def test_a_subscriber_that_lags_holds_nobody_up_and_misses_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(broadcast, "LIVE_EVENTS", 8)
    async with open_tally(MemoryLog()) as store, store.subscribe() as slow, store.subscribe() as ok:
        for number in range(1, 101):
            await add(store, 1)
            assert (await anext(ok)).seq == number
        kept = len(slow._live)
        heard = [(await anext(slow)).seq for _ in range(100)]

    assert kept <= 8
    assert heard == list(range(1, 101))


async def test_topics_choose_what_is_heard() -> None:
    async with (
        open_tally(MemoryLog()) as store,
        store.subscribe(topics=["added:2", "shouted"]) as some,
        store.subscribe(topics=["added"]) as all_added,
    ):
        for amount in 1, 2, 3, 2:
            await store.dispatch(Add(amount), by=ME)
        await store.dispatch(Shout("hey"), by=ME)

        assert [(await anext(some)).seq for _ in range(2)] == [2, 4]
        assert (await anext(some)).event == Shouted("hey")
        assert [(await anext(all_added)).seq for _ in range(4)] == [1, 2, 3, 4]


async def test_an_ephemeral_event_is_heard_at_most_once_and_only_live() -> None:
    async with open_tally(MemoryLog()) as store:
        await store.dispatch(Shout("early"), by=ME)
        async with store.subscribe(after=0) as events:
            await store.dispatch(Shout("live"), by=ME)
            await add(store, 1)

            assert (await anext(events)).event == Shouted("live")
            assert (await anext(events)).seq == 1


async def test_of_a_topic_that_has_an_interval_everybody_hears_the_first_and_the_last() -> None:
    heard: list[Happened[Event]] = []
    rules = replace(TALLY, intervals={"shouted": 0.2})
    async with open_tally(MemoryLog(), rules) as store, store.subscribe() as events:
        store.listeners.append(heard.extend)
        shouts = [store.submit(Shout(str(number)), by=ME) for number in range(10)]
        await asyncio.gather(*shouts)
        await add(store, 1)

        told = [await asyncio.wait_for(anext(events), 5) for _ in range(3)]

    assert [each.event for each in told if each.seq is None] == [Shouted("0"), Shouted("9")]
    assert [each.seq for each in told] == [None, 1, None], "what is stored waits for nothing"
    assert heard == told


async def test_a_subscriber_that_leaves_is_forgotten() -> None:
    async with open_tally(MemoryLog()) as store:
        async with store.subscribe(), store.subscribe():
            assert store.subscribers == 2
        assert store.subscribers == 0


async def test_a_subscription_ends_with_the_store_even_while_it_waits() -> None:
    async with open_tally(MemoryLog()) as store:
        await add(store, 2)
        subscription = store.subscribe(after=0)

        async def all_of_it() -> list[int | None]:
            async with subscription as events:
                return [event.seq async for event in events]

        waiting = asyncio.create_task(all_of_it())
        await asyncio.sleep(0)

    assert await asyncio.wait_for(waiting, 5) == [1, 2]


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
