"""What passes is slowed down: the latest takes the place of those before it, the last is told."""

import asyncio

import pytest

from app.runtime.decision import Happened
from app.runtime.throttle import Throttle

pytestmark = pytest.mark.anyio


def happened(topic: str, number: int) -> Happened[int]:
    return Happened(number, topic, str(number), None, None)


async def test_of_many_the_first_passes_and_the_last_is_told() -> None:
    told: asyncio.Queue[Happened[int]] = asyncio.Queue()
    throttle = Throttle({"load": 0.05}, told.put_nowait)
    events = [happened("load", number) for number in range(10)]

    assert [throttle.passes(event) for event in events] == [True] + [False] * 9
    assert await asyncio.wait_for(told.get(), 5) == events[-1]
    assert told.empty()


async def test_after_the_interval_the_next_passes_at_once() -> None:
    throttle = Throttle[int]({"load": 0.01}, lambda event: None)

    assert throttle.passes(happened("load", 1))
    await asyncio.sleep(0.02)  # a timer that is due after the throttle's
    assert throttle.passes(happened("load", 2))


async def test_after_one_that_was_told_later_the_next_waits_too() -> None:
    told: asyncio.Queue[Happened[int]] = asyncio.Queue()
    throttle = Throttle({"load": 0.05}, told.put_nowait)
    throttle.passes(happened("load", 1))
    throttle.passes(happened("load", 2))
    await asyncio.wait_for(told.get(), 5)

    assert not throttle.passes(happened("load", 3))


async def test_topics_do_not_slow_each_other_down() -> None:
    throttle = Throttle[int]({"load": 60.0}, lambda event: None)
    events = [("load:1", 1), ("load:2", 2), ("free", 3), ("free", 4)]

    assert all(throttle.passes(happened(*event)) for event in events)
