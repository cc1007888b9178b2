"""What is done again and again, until it is told to stop."""

import asyncio
from collections.abc import Callable
from itertools import pairwise

import pytest
import structlog

from app.live.sessions import Sessions
from app.observe.beating import beating
from app.observe.lag import measuring_lag
from app.observe.metrics import Metrics

pytestmark = pytest.mark.anyio

SECONDS = 0.05


class Beats:
    """Keeps when it is called, and fails the first time; `over` is set the third time."""

    def __init__(self) -> None:
        self.times: list[float] = []
        self.over = asyncio.Event()

    def beat(self) -> None:
        """Once more."""
        self.times.append(asyncio.get_running_loop().time())
        if len(self.times) == 1:
            raise RuntimeError("the first one fails")
        if len(self.times) == 3:
            self.over.set()

    async def heard(self) -> None:
        """Wait until it has been called three times."""
        async with asyncio.timeout(10):
            await self.over.wait()


async def test_it_is_called_again_and_again_but_not_at_once() -> None:
    beats, began = Beats(), asyncio.get_running_loop().time()

    async with beating("beat", SECONDS, beats.beat):
        await beats.heard()

    waited = [later - before for before, later in pairwise([began, *beats.times])]
    assert min(waited) >= SECONDS * 0.9  # a timer may be early by what a clock's tick is


async def test_one_that_fails_is_told_of_and_is_not_the_last() -> None:
    beats = Beats()

    with structlog.testing.capture_logs() as lines:
        async with beating("beat", SECONDS, beats.beat):
            await beats.heard()

    assert [(line["what"], line["log_level"], line["exc_info"]) for line in lines] == [
        ("beat", "error", True)
    ]


async def test_it_ends_with_its_context() -> None:
    before = asyncio.all_tasks()

    async with beating("beat", SECONDS, Beats().beat):
        (task,) = asyncio.all_tasks() - before

    assert (task.get_name(), task.cancelled()) == ("beat", True)


class Session:
    """One whose time is over, and which cannot be sent away at first."""

    buffered, is_revoked, is_stream, ends = 0, False, False, 0.0

    def __init__(self, expire: Callable[[], None]) -> None:
        self.expire = expire

    def close(self, code: int, reason: str) -> None:
        """It stays."""


async def test_a_mistake_about_one_client_does_not_let_others_stay_beyond_their_time() -> None:
    beats, sessions = Beats(), Sessions()
    sessions.add(Session(beats.beat))

    async with sessions.watched():
        await beats.heard()


async def test_a_measurement_that_fails_is_not_the_last() -> None:
    class Broken(Metrics):
        def lag(self, seconds: float) -> None:
            beats.beat()

    beats = Beats()

    async with measuring_lag(Broken()):
        await beats.heard()
