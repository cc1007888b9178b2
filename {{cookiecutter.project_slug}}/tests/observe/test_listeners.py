"""Whoever listens and fails is logged, with what it failed at, and disturbs nobody."""

from typing import Any

import pytest
import structlog

from app.runtime.event_log.memory import MemoryLog
from tests.runtime.tally import ME, Add, open_tally

pytestmark = pytest.mark.anyio


async def test_a_listener_that_fails_is_logged_with_the_events_and_others_hear_them() -> None:
    heard: list[Any] = []

    def failing(events: object) -> None:
        raise ValueError("what is this?")

    async with open_tally(MemoryLog()) as store, store.subscribe() as subscription:
        store.listeners.extend((failing, heard.extend))
        with structlog.testing.capture_logs() as lines:
            outcome = await store.dispatch(Add(1), by=ME)
        subscribed = await anext(subscription)

    assert [(line["event"], line["events"]) for line in lines] == [("a listener failed", ["Added"])]
    assert (outcome.seq, store.state) == (1, 1)
    assert [each.seq for each in heard] == [subscribed.seq] == [1]
