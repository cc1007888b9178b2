"""What passes is slowed down: the latest takes the place of those before it, the last is told."""

import asyncio
from datetime import UTC, datetime

import pytest

from app.domain.revocation.actions import TokensRevoked
from app.live.recent import Heard
from app.live.throttle import Throttle
from app.runtime.decision import Happened

pytestmark = pytest.mark.anyio

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def heard(topic: str, number: int) -> Heard:
    event = TokensRevoked(str(number), NOW)
    return Heard(Happened(event, topic, str(number), None, None))


async def test_of_many_the_first_and_the_last_are_told() -> None:
    told: list[Heard] = []
    over = asyncio.Event()

    def tell(event: Heard) -> None:
        told.append(event)
        if len(told) == 2:
            over.set()

    throttle = Throttle({"load": 0.05}, tell)
    events = [heard("load", number) for number in range(10)]
    for event in events:
        throttle.take(event)

    assert told == events[:1], "the first at once"
    await asyncio.wait_for(over.wait(), 5)
    assert told == [events[0], events[-1]]


async def test_after_the_interval_the_next_is_told_at_once() -> None:
    told: list[Heard] = []
    throttle = Throttle({"load": 0.01}, told.append)
    first, second = heard("load", 1), heard("load", 2)
    throttle.take(first)
    await asyncio.sleep(0.02)  # a timer that is due after the throttle's
    throttle.take(second)

    assert told == [first, second]


async def test_topics_do_not_slow_each_other_down() -> None:
    told: list[Heard] = []
    throttle = Throttle({"load": 60.0}, told.append)
    events = [heard("load:1", 1), heard("load:2", 2), heard("free", 3), heard("free", 4)]
    for event in events:
        throttle.take(event)

    assert told == events
