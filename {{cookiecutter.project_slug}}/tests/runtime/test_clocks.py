"""The time of a log that several nodes write to, each by a clock of its own."""

import asyncio
from time import monotonic

import pytest

from app.core.effects import Delay
from app.runtime.clock import Clock, wall_clock
from app.runtime.decision import MICROSECONDS
from app.runtime.event_log.leases import Lease, Watch
from tests.runtime.event_log.shared_memory import SharedMemoryLog
from tests.runtime.tally import ME, Add, Plan, open_tally

pytestmark = pytest.mark.anyio

HOUR = 3600 * MICROSECONDS


def test_what_was_read_just_now_is_not_older_by_the_time_that_reading_took() -> None:
    seconds = 0.0
    clock = Clock(lambda: 1000, lambda: seconds)
    seconds = 60.0
    clock.not_before(70 * MICROSECONDS)

    assert clock() == 70 * MICROSECONDS


async def test_a_delay_of_a_node_whose_clock_is_ahead_is_due_in_time_at_another() -> None:
    event_log = SharedMemoryLog()
    ahead = event_log.another_node()
    async with (
        open_tally(event_log) as store,
        open_tally(ahead, clock=lambda: wall_clock() + HOUR) as other,
        asyncio.timeout(5),
    ):
        while not store.performs_effects:  # noqa: ASYNC110 - nobody says when
            await asyncio.sleep(0)
        await other.dispatch(Plan((Delay(0.05, Add(1)),)), by=ME)
        while store.state != 1:  # noqa: ASYNC110 - as above
            await asyncio.sleep(0.005)


def test_a_lease_that_was_given_back_is_another_one_also_if_the_log_has_not_heard_of_it() -> None:
    watch = Watch("me")
    watch.renewed("effects", monotonic())
    mine = Lease("me", 3, 0)
    assert watch.term("effects", mine, 60) == 3

    watch.released("effects")

    assert watch.term("effects", mine, 60) == 4
