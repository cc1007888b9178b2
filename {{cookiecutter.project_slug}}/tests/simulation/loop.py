"""An event loop without time and without a machine: the same seed gives the same run."""

from __future__ import annotations

import asyncio
import heapq
from collections import deque
from collections.abc import Callable
from random import Random
from typing import Any

CLOSINGS = 10


class Stuck(Exception):
    """Nothing is ready, and nothing ever will be; or there is no end to what is."""


class SimulatedTask(asyncio.Task[Any]):
    """A task whose place in a set depends on when it was made, not on where in memory it is."""

    def __init__(self, coroutine: Any, *, number: int, **options: Any) -> None:
        self.number = number
        super().__init__(coroutine, **options)

    def __hash__(self) -> int:
        return self.number


class SimulatedLoop(asyncio.BaseEventLoop):
    """Runs what is ready in an order that `chance` chooses, and then lets time jump.

    `turns` is how many turns it takes at most.
    """

    _ready: deque[asyncio.Handle]
    _scheduled: list[asyncio.TimerHandle]
    _stopping: bool

    def __init__(self, chance: Random, *, now: float, turns: int) -> None:
        super().__init__()
        self.failure: BaseException | None = None
        self._chance = chance
        self._now = now
        self._turns = turns
        self._tasks: list[SimulatedTask] = []
        self._is_abandoned = False

    def time(self) -> float:
        """Seconds since the simulation began; no time passes while something is ready."""
        return self._now

    def pause(self, seconds: float) -> None:
        """Let time pass while nothing is done, as when the process is held."""
        self._now += seconds

    def create_task(self, coro: Any, **options: Any) -> asyncio.Task[Any]:
        """A task with a number of its own, kept to the end."""
        task = SimulatedTask(coro, number=len(self._tasks), loop=self, **options)
        self._tasks.append(task)
        return task

    def call_soon(  # type: ignore[override]
        self, callback: Any, *args: Any, context: Any = None
    ) -> asyncio.Handle:
        """As in any loop; but after its end nothing is called any more."""
        if self._is_abandoned:
            return asyncio.Handle(callback, args, self, context)
        return super().call_soon(callback, *args, context=context)

    def call_soon_threadsafe(  # type: ignore[override]
        self, callback: Any, *args: Any, context: Any = None
    ) -> asyncio.Handle:
        """The same: there is one thread."""
        return self.call_soon(callback, *args, context=context)

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        """Stop at what nobody catches."""
        if not self._is_abandoned and self.failure is None:
            self.failure = context.get("exception") or RuntimeError(context.get("message"))
            self.stop()

    def abandon(self) -> None:
        """End as a process that is killed: nothing that it would still do is done."""
        self._is_abandoned = True
        for task in self._tasks:
            if not task.done():
                task._log_destroy_pending = False  # type: ignore[attr-defined]
                _close(task.get_coro().close)
        self.close()

    def _run_once(self) -> None:
        """One turn of `run_forever`; a stop takes effect between any two steps."""
        ready, scheduled = self._ready, self._scheduled
        while scheduled and scheduled[0].cancelled():
            heapq.heappop(scheduled)
        if not ready and not self._stopping:
            if not scheduled:
                raise Stuck("nothing more will ever happen")
            self._now = max(self._now, scheduled[0].when())
        while scheduled and scheduled[0].when() <= self._now:
            ready.append(heapq.heappop(scheduled))
        self._turns -= 1
        if self._turns < 0:
            raise Stuck("it does not come to rest")
        turn = list(ready)
        ready.clear()
        if len(turn) > 1:
            self._chance.shuffle(turn)
        for handle in turn:
            if self._stopping:
                return
            if not handle.cancelled():
                handle._run()

    def _timer_handle_cancelled(self, handle: asyncio.TimerHandle) -> None:
        """Cancelled timers are taken away when they are due."""

    def _asyncgen_finalizer_hook(self, generator: Any) -> None:
        if not self._is_abandoned:
            self.create_task(generator.aclose())


def _close(close: Callable[[], None]) -> None:
    """Close a coroutine, however often its `finally` clauses want to wait for something."""
    for _ in range(CLOSINGS):
        try:
            close()
        except BaseException:  # noqa: S112 - what a dead process says does not count
            continue
        return
