"""What waits for its time is told once, in order; what was cancelled is not kept until then."""

import asyncio
from collections.abc import Sequence

import pytest

from app.runtime.timers import SWEEP_AFTER, Timers

pytestmark = pytest.mark.anyio

LATER = 10**15


async def test_what_is_due_is_told_in_the_order_of_time() -> None:
    rang: asyncio.Queue[Sequence[str]] = asyncio.Queue()
    timers = Timers(lambda: 100, lambda origin: True, rang.put_nowait)

    for due, origin in (30, "3.0"), (10, "1.0"), (LATER, "4.0"), (20, "2.0"):
        timers.set(due, origin)

    assert await asyncio.wait_for(rang.get(), 5) == ["1.0", "2.0", "3.0"]
    timers.stop()


async def test_cancelled_delays_are_forgotten_long_before_their_time() -> None:
    asked: list[str] = []
    wanted: set[str] = set()

    def is_wanted(origin: str) -> bool:
        asked.append(origin)
        return origin in wanted

    timers = Timers(lambda: 0, is_wanted, lambda origins: None)
    origins = [f"{position}.0" for position in range(10 * SWEEP_AFTER)]
    wanted.add(origins[7])
    for origin in origins:
        timers.set(LATER, origin)
        timers.cancel(1)
    asked.clear()

    timers.cancel(2 * SWEEP_AFTER + len(origins))

    assert origins[7] in asked
    assert len(asked) < 3 * SWEEP_AFTER
    timers.stop()


async def test_what_is_not_cancelled_is_not_looked_at_for_each_that_is() -> None:
    asked: list[str] = []

    def is_wanted(origin: str) -> bool:
        asked.append(origin)
        return True

    timers = Timers(lambda: 0, is_wanted, lambda origins: None)
    timers.set_all((LATER, f"{position}.0") for position in range(100))
    for _ in range(3 * SWEEP_AFTER):
        timers.cancel(1)

    assert len(asked) <= 3 * 100
    timers.stop()
