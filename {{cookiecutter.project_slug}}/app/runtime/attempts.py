"""Run and Stream at work: a few at once, each attempt counted in the log before it begins."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from random import Random
from typing import Any, Generic, Protocol

import structlog

from app.core.effects import Run, Stream
from app.core.ports import Attempt, Ports, Unavailable
from app.core.principal import SYSTEM
from app.core.rejected import Code, Rejected
from app.runtime.decision import Note, Request, is_awaited
from app.runtime.group import Outcome, words_of
from app.runtime.pending import Pending, Turn
from app.runtime.retry import RetryPolicy
from app.runtime.rules import Command

SLOTS = 64
STEP_SECONDS = 300  # the longest that a Run may take, or a Stream to its next command
CLEAN_UP_SECONDS = 30  # the longest that either may hold its slot after that, or after a Cancel
CANCEL_SECONDS = 1
AGAIN_SECONDS = 5

log = structlog.get_logger(__name__)


class Decides(Protocol[Command]):
    """What of the Store is needed to perform effects."""

    def now(self) -> int:
        """The time in microseconds since 1970, UTC."""

    def new_key(self) -> str:
        """A key that no other decision has."""

    def pending(self, origin: str) -> Pending[Command] | None:
        """The effect, unless it has ended."""

    def enqueue(self, request: Request[Command] | Note) -> asyncio.Future[Outcome[Any, Any]]:
        """Decide this after all that waits."""


class Attempts(Generic[Command]):
    """Attempts at tasks, and the queue of those that wait for a slot.

    `later` is called with seconds and an origin when there is to be another attempt.
    """

    def __init__(
        self,
        store: Decides[Command],
        ports: Ports,
        *,
        policy: RetryPolicy,
        chance: Random,
        later: Callable[[float, str], None],
    ) -> None:
        self._store = store
        self._ports = ports
        self._policy = policy
        self._chance = chance
        self._later = later
        self._waiting: deque[str] = deque()
        self._running: dict[str, asyncio.Task[None]] = {}
        self._stuck: set[asyncio.Task[None]] = set()
        self._counted: set[str] = set()
        self._anew: set[str] = set()
        self._none_left = asyncio.Event()
        self._is_open = True

    def begin(self, origin: str) -> None:
        """Begin an attempt as soon as there is a slot."""
        if origin in self._running:  # the last one is clearing up
            self._anew.add(origin)
        else:
            self._waiting.append(origin)
        self._go_on()

    def cancel(self, origin: str) -> None:
        """Stop the attempt, if there is one: the effect has ended."""
        if origin in self._running:
            task = self._running[origin]
            task.cancel()
            limit = self._give_up_after(CLEAN_UP_SECONDS, origin, task)
            task.add_done_callback(lambda _: limit.cancel())

    async def finish(self) -> None:
        """Begin nothing more, and wait until all that is at work has ended."""
        self._is_open = False
        while self._running:
            self._none_left.clear()
            await self._none_left.wait()

    async def stop(self) -> None:
        """Interrupt what is at work: it is still in the log, and goes on at the next start.

        Attempts that end so do not count; none is waited for longer than a moment.
        """
        self._is_open = False
        at_work = list(self._running.values())
        counted = self._counted.intersection(self._running)
        self._counted -= counted
        for task in at_work:
            task.cancel()
        if at_work:
            _, stuck = await asyncio.wait(at_work, timeout=CANCEL_SECONDS)
            for task in stuck:
                log.error("a task does not let itself be cancelled", origin=task.get_name())
        notes = [self._note(origin, Turn.INTERRUPTED) for origin in sorted(counted)]
        if notes:
            await asyncio.wait(notes)

    def abandon(self) -> None:
        """End what is at work, and note nothing of it."""
        self._is_open = False
        self._waiting.clear()
        for task in self._running.values():
            task.cancel()

    def _go_on(self) -> None:
        while self._is_open and self._waiting and len(self._running) < SLOTS:
            origin = self._waiting.popleft()
            if origin not in self._running:
                task = asyncio.create_task(self._attempt(origin), name=origin)
                self._running[origin] = task
                task.add_done_callback(partial(self._ended, origin))

    def _ended(self, origin: str, task: asyncio.Task[None]) -> None:
        """Free the slot, also of an attempt that was cancelled before its first step."""
        self._stuck.discard(task)
        fault = None if task.cancelled() else task.exception()
        if fault is not None:
            log.error("an attempt went wrong itself", origin=origin, exc_info=fault)
        if self._running.get(origin) is task:
            self._free(origin, again=fault is not None)

    def _give_up_after(
        self, seconds: float, origin: str, task: asyncio.Task[None] | None
    ) -> asyncio.TimerHandle:
        return asyncio.get_running_loop().call_later(seconds, self._give_up, origin, task)

    def _give_up(self, origin: str, task: asyncio.Task[None] | None) -> None:
        """Free the slot of an attempt that goes on though it was cancelled."""
        if task is not None and self._running.get(origin) is task:
            log.error("a task does not let itself be cancelled", origin=origin)
            self._stuck.add(task)
            self._free(origin, again=True)

    def _free(self, origin: str, *, again: bool) -> None:
        """Let others have the slot; an effect that has not ended is tried `again` later."""
        del self._running[origin]
        if not self._running:
            self._none_left.set()
        self._counted.discard(origin)
        if origin in self._anew:
            self._anew.discard(origin)
            self._waiting.append(origin)
        elif again:
            self._later(AGAIN_SECONDS, origin)
        self._go_on()

    async def _attempt(self, origin: str) -> None:
        """One attempt, counted in the log before it begins: it may take the process down."""
        try:
            pending = self._store.pending(origin)
            if pending is None or pending.dead is not None:
                return
            if pending.attempts >= self._policy.attempts:
                told = f"none of {pending.attempts} attempts has succeeded"
                words = f"{told}; what ended the last is unknown"
                await self._note(origin, Turn.DEAD, words)
                return
            self._counted.add(origin)
            await self._note(origin, Turn.STARTED)
            await self._perform(origin, pending)
        except Rejected as refusal:
            if refusal.code is Code.UNAVAILABLE:
                self._later(AGAIN_SECONDS, origin)

    async def _perform(self, origin: str, pending: Pending[Command]) -> None:
        command: Command | None = None
        try:
            attempt = Attempt(origin, pending.given)
            match pending.effect:
                case Run(task):
                    async with self._step(origin):
                        command = await task(self._ports, attempt)
                case Stream(task):
                    if not await self._give(task(self._ports, attempt), origin, pending):
                        return
                case _:
                    raise TypeError(f"{pending.effect} is no task")
        except asyncio.CancelledError:
            if is_cancelled():
                raise
            await self._failed(origin, Unavailable("what the task waited for was cancelled"))
        except Exception as fault:  # whatever a task may raise: it must not take the Store with it
            await self._failed(origin, fault)
        else:
            await self._decide_surely(Request(command, SYSTEM, "", pending.cause, origin))

    async def _give(
        self, commands: AsyncIterator[Command], origin: str, pending: Pending[Command]
    ) -> bool:
        """Have each command of a Stream decided before the next is asked for.

        Whether it came to its end; else the effect has ended meanwhile, or is a dead letter.
        """
        nth = pending.given
        try:
            while True:
                async with self._step(origin):
                    command = await anext(commands, None)
                if command is None:
                    return True
                nth += 1
                await self._decide_surely(Request(command, SYSTEM, "", pending.cause, origin, nth))
                now = self._store.pending(origin)
                if now is None or now.dead is not None:
                    return False
        finally:
            async with self._step(origin):
                await commands.aclose()  # type: ignore[attr-defined]

    @asynccontextmanager
    async def _step(self, origin: str) -> AsyncIterator[None]:
        """A step of a task: it has its time, and then some to clear up."""
        seconds = STEP_SECONDS + CLEAN_UP_SECONDS
        limit = self._give_up_after(seconds, origin, asyncio.current_task())
        try:
            async with asyncio.timeout(STEP_SECONDS):
                yield
        finally:
            limit.cancel()

    async def _decide_surely(self, request: Request[Command]) -> None:
        """Have this decided, if need be later: what led to it must not be done again for that.

        A refusal by the rules is noted, and that is that.
        """
        while is_awaited(self._store.pending(request.origin or ""), request):
            again = request._replace(key=self._store.new_key())
            try:
                await self._store.enqueue(again)
            except Rejected as refusal:
                if refusal.code is not Code.UNAVAILABLE:
                    return
                if not self._is_open:
                    raise
                await asyncio.sleep(AGAIN_SECONDS)

    async def _failed(self, origin: str, fault: Exception) -> None:
        pending = self._store.pending(origin)
        if pending is None or pending.dead is not None:
            return
        words = words_of(fault)
        if self._policy.is_retryable(fault) and pending.attempts < self._policy.attempts:
            seconds = self._policy.seconds(pending.attempts, self._chance)
            log.warning("an effect is tried again", origin=origin, problem=words, seconds=seconds)
            self._later(seconds, origin)
        else:
            log.error("an effect has failed for good", origin=origin, exc_info=fault)
            await self._note(origin, Turn.DEAD, words)

    def _note(self, origin: str, turn: Turn, words: str = "") -> asyncio.Future[Outcome[Any, Any]]:
        return self._store.enqueue(Note(origin, turn, SYSTEM, self._store.new_key(), words))


def is_cancelled() -> bool:
    """Whether somebody wants the running task to end, and not only what it waited for has."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
