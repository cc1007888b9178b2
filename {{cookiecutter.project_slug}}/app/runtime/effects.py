"""Performs the effects that are stored: at least once each, bounded, and across restarts.

Dispatches and Delays that are due go back to the Store as commands. Run and Stream hold one of a
few slots while they work; what sleeps or backs off holds none. What becomes of an effect is stored
before anything follows from it.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import aclosing
from functools import partial
from random import Random
from typing import Any, Generic, Protocol

import structlog

from app.core.effects import Delay, Dispatch, Run, Stream
from app.core.ports import Attempt, Ports
from app.core.principal import SYSTEM
from app.core.rejected import Code, Rejected
from app.runtime.decision import MICROSECONDS, Note, Request, is_awaited
from app.runtime.group import Outcome, words_of
from app.runtime.pending import Pending, Turn, place
from app.runtime.retry import RetryPolicy
from app.runtime.rules import Command, Event, State
from app.runtime.timers import Timers

SLOTS = 64
COMMANDS_IN_FLIGHT = 256
RUN_SECONDS = 300
AGAIN_SECONDS = 5

log = structlog.get_logger(__name__)


class Decides(Protocol[Command]):
    """What of the Store is needed here."""

    def now(self) -> int:
        """The time in microseconds since 1970, UTC."""

    def new_key(self) -> str:
        """A key that no other decision has."""

    def pending(self, origin: str) -> Pending[Command] | None:
        """The effect, unless it has ended."""

    def enqueue(self, request: Request[Command] | Note) -> asyncio.Future[Outcome[Any, Any]]:
        """Decide this after all that waits."""


class Performer(Generic[State, Command, Event]):
    """Performs what the Store says has begun, until it is stopped."""

    def __init__(
        self, store: Decides[Command], ports: Ports, *, policy: RetryPolicy, chance: Random
    ) -> None:
        self._store = store
        self._ports = ports
        self._policy = policy
        self._chance = chance
        self._tasks: asyncio.TaskGroup | None = None
        self._commands: deque[str] = deque()
        self._in_flight = 0
        self._work: deque[str] = deque()
        self._running: dict[str, asyncio.Task[None]] = {}
        self._timers = Timers(store.now, self._is_pending, self._rang)

    def start(self, tasks: asyncio.TaskGroup, origins: Iterable[str]) -> None:
        """Begin with the effects that the log says are pending; the group owns all tasks."""
        self._tasks = tasks
        self.begin(sorted(origins, key=place))

    def begin(self, origins: Iterable[str]) -> None:
        """The turn of these effects has come."""
        if self._tasks is None:
            return
        for origin in origins:
            pending = self._store.pending(origin)
            if pending is None or pending.dead is not None:
                continue
            match pending.effect:
                case Dispatch():
                    self._commands.append(origin)
                case Delay(seconds):
                    self._timers.set(pending.since + round(seconds * MICROSECONDS), origin)
                case _:
                    self._work.append(origin)
        self._go_on()

    def cancel(self, origins: Iterable[str]) -> None:
        """These effects have ended by a Cancel: stop those that are at work."""
        for origin in origins:
            if origin in self._running:
                self._running[origin].cancel()

    async def stop(self, grace_seconds: float) -> None:
        """Begin nothing more; a Run may finish in so many seconds, a Stream is interrupted at once.

        What has not ended is still in the log, and goes on at the next start.
        """
        self._tasks = None
        self._timers.stop()
        await self._interrupt([o for o in self._running if self._is_stream(o)])
        if self._running:
            await asyncio.wait(self._running.values(), timeout=grace_seconds)
        await self._interrupt(list(self._running))

    async def _interrupt(self, origins: Sequence[str]) -> None:
        """End attempts that do not count then; the effects have not ended."""
        at_work = [self._running[origin] for origin in origins]
        for task in at_work:
            task.cancel()
        if at_work:
            await asyncio.wait(at_work)
            await asyncio.wait([self._note(origin, Turn.INTERRUPTED) for origin in origins])

    def _is_pending(self, origin: str) -> bool:
        return self._store.pending(origin) is not None

    def _is_stream(self, origin: str) -> bool:
        pending = self._store.pending(origin)
        return pending is not None and isinstance(pending.effect, Stream)

    # Commands: Dispatch, and Delay when it is due

    def _go_on(self) -> None:
        while self._commands and self._in_flight < COMMANDS_IN_FLIGHT:
            self._decide(self._commands.popleft())
        while self._tasks is not None and self._work and len(self._running) < SLOTS:
            origin = self._work.popleft()
            if origin not in self._running:
                self._start(origin, self._tasks)

    def _start(self, origin: str, tasks: asyncio.TaskGroup) -> None:
        attempt = self._attempt(origin)
        try:
            self._running[origin] = tasks.create_task(attempt, name=origin)
        except RuntimeError:  # the log has failed, and the group is ending all its tasks
            attempt.close()
            self._tasks = None

    def _decide(self, origin: str) -> None:
        pending = self._store.pending(origin)
        if pending is None or not isinstance(pending.effect, Dispatch | Delay):
            return
        command = pending.effect.command
        request = Request(command, SYSTEM, self._store.new_key(), pending.cause, origin)
        self._in_flight += 1
        self._store.enqueue(request).add_done_callback(partial(self._decided, origin))

    def _decided(self, origin: str, answer: asyncio.Future[Outcome[State, Event]]) -> None:
        self._in_flight -= 1
        if self._tasks is None:
            return
        fault = None if answer.cancelled() else answer.exception()
        if isinstance(fault, Rejected) and fault.code is Code.UNAVAILABLE:
            self._set_timer(AGAIN_SECONDS, origin)
        self._go_on()

    def _rang(self, origins: Sequence[str]) -> None:
        """The time of these effects has come: a Delay's, or that of another attempt."""
        for origin in origins:
            pending = self._store.pending(origin)
            if pending is not None:
                is_work = isinstance(pending.effect, Run | Stream)
                (self._work if is_work else self._commands).append(origin)
        self._go_on()

    def _set_timer(self, seconds: float, origin: str) -> None:
        self._timers.set(self._store.now() + round(seconds * MICROSECONDS), origin)

    # Work: Run and Stream

    async def _attempt(self, origin: str) -> None:
        """One attempt, counted in the log before it begins: it may take the process down."""
        try:
            pending = self._store.pending(origin)
            if pending is None:
                return
            if pending.attempts >= self._policy.attempts:
                words = f"the process ended at each of {pending.attempts} attempts"
                await self._note(origin, Turn.DEAD, words)
                return
            await self._note(origin, Turn.STARTED)
            await self._perform(origin, pending)
        except Rejected as refusal:
            if refusal.code is Code.UNAVAILABLE:
                self._set_timer(AGAIN_SECONDS, origin)
        finally:
            del self._running[origin]
            self._go_on()

    async def _perform(self, origin: str, pending: Pending[Command]) -> None:
        try:
            attempt = Attempt(origin, pending.given)
            match pending.effect:
                case Run(task):
                    async with asyncio.timeout(RUN_SECONDS):
                        command = await task(self._ports, attempt)
                case Stream(task):
                    await self._give(task(self._ports, attempt), origin, pending)
                    command = None
                case _:
                    raise TypeError(f"{pending.effect} is no task")
        except Exception as fault:  # whatever a task may raise: it must not take the Store with it
            await self._failed(origin, fault)
        else:
            await self._decide_surely(Request(command, SYSTEM, "", pending.cause, origin))

    async def _give(
        self, commands: AsyncIterator[Command], origin: str, pending: Pending[Command]
    ) -> None:
        """Have each command of a Stream decided before the next is asked for."""
        nth = pending.given
        async with aclosing(commands) as given:  # type: ignore[type-var]
            async for command in given:
                nth += 1
                await self._decide_surely(Request(command, SYSTEM, "", pending.cause, origin, nth))
                now = self._store.pending(origin)
                if now is None or now.dead is not None:
                    return

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
                if self._tasks is None:
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
            self._set_timer(seconds, origin)
        else:
            log.error("an effect has failed for good", origin=origin, exc_info=fault)
            await self._note(origin, Turn.DEAD, words)

    def _note(
        self, origin: str, turn: Turn, words: str = ""
    ) -> asyncio.Future[Outcome[State, Event]]:
        return self._store.enqueue(Note(origin, turn, SYSTEM, self._store.new_key(), words))
