"""An event loop without time and without a machine: the same seed gives the same run."""

from __future__ import annotations

import asyncio
import heapq
import sys
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any

CLOSINGS = 10


class Stuck(Exception):
    """Nothing is ready, and nothing ever will be; or there is no end to what is."""


@dataclass(slots=True)
class Steady:
    """A clock that nobody sets: seconds since the simulation began."""

    now: float = 0.0


class SimulatedTask(asyncio.Task[Any]):
    """A task whose place in a set depends on when it was made, not on where in memory it is."""

    def __init__(self, coroutine: Any, *, number: int, **options: Any) -> None:
        self.number = number
        super().__init__(coroutine, **options)

    def __hash__(self) -> int:
        return self.number


class SimulatedLoop(asyncio.BaseEventLoop):
    """Runs what is ready in an order that `chance` chooses, turn by turn, when its time has come.

    `steady` is the time of all loops; `turns` is how many turns this one takes at most.
    """

    _ready: deque[asyncio.Handle]
    _scheduled: list[asyncio.TimerHandle]
    _stopping: bool

    def __init__(self, chance: Random, *, steady: Steady, turns: int) -> None:
        super().__init__()
        self.held_until = 0.0
        self.failure: BaseException | None = None
        self._chance = chance
        self._steady = steady
        self._turns = turns
        self._tasks: list[SimulatedTask] = []
        self._is_abandoned = False

    @property
    def is_over(self) -> bool:
        """Whether it was told to stop."""
        return self._stopping

    @property
    def is_held(self) -> bool:
        """Whether it does nothing now, and does not know it."""
        return self._steady.now < self.held_until

    def time(self) -> float:
        """Seconds since the simulation began; no time passes while something is ready."""
        return self._steady.now

    def hold(self, seconds: float) -> None:
        """Do nothing for a while, from the next step on, as a process that is stopped."""
        self.held_until = self._steady.now + seconds

    def next_at(self) -> float:
        """When there is something to do."""
        scheduled = self._scheduled
        while scheduled and scheduled[0].cancelled():
            heapq.heappop(scheduled)
        if not (self._ready or scheduled or self._stopping):
            raise Stuck("nothing more will ever happen")
        at = self._steady.now if self._ready or self._stopping else scheduled[0].when()
        return max(at, self.held_until)

    def turn(self) -> None:
        """Do what is to be done now."""
        before = sys.get_asyncgen_hooks()
        asyncio._set_running_loop(self)
        sys.set_asyncgen_hooks(None, self._asyncgen_finalizer_hook)
        try:
            self._run_once()
        finally:
            sys.set_asyncgen_hooks(*before)
            asyncio._set_running_loop(None)

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
                coro = task.get_coro()
                if coro is not None:  # since Python 3.12 an eager task has none when it is done
                    _close(coro.close)
        self.close()

    def _run_once(self) -> None:
        """A stop takes effect between any two steps, and so does a hold."""
        ready, scheduled = self._ready, self._scheduled
        while scheduled and scheduled[0].when() <= self._steady.now:
            ready.append(heapq.heappop(scheduled))
        self._turns -= 1
        if self._turns < 0:
            raise Stuck("it does not come to rest")
        turn = list(ready)
        ready.clear()
        if len(turn) > 1:
            self._chance.shuffle(turn)
        for number, handle in enumerate(turn):
            if self._stopping or self.is_held:
                ready.extendleft(reversed(turn[number:]))
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
