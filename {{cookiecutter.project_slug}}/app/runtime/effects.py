"""Performs the effects that are stored: at least once each, bounded, and across restarts.

Dispatches and Delays that are due go back to the Store as commands; Run and Stream hold one of a
few slots while they work. What becomes of an effect is stored before anything follows from it.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from random import Random
from typing import Any, Generic

from app.core.effects import Delay, Dispatch, Run, Stream
from app.core.ports import Ports
from app.core.principal import SYSTEM
from app.core.rejected import Code, Rejected
from app.runtime.attempts import AGAIN_SECONDS, Attempts, Decides
from app.runtime.decision import MICROSECONDS, Request
from app.runtime.group import Outcome
from app.runtime.pending import Pending, place
from app.runtime.retry import RetryPolicy
from app.runtime.rules import Command
from app.runtime.timers import Timers

COMMANDS_IN_FLIGHT = 256
LONGEST_SECONDS = 1e12  # some 30,000 years


class Performer(Generic[Command]):
    """Performs what the Store says has begun, from `start` until `stop`."""

    def __init__(
        self, store: Decides[Command], ports: Ports, *, policy: RetryPolicy, chance: Random
    ) -> None:
        self._store = store
        self._commands: deque[str] = deque()
        self._in_flight = 0
        self._timers = Timers(store.now, self._is_pending, self._rang)
        self._attempts = Attempts(store, ports, policy=policy, chance=chance, later=self._set_timer)
        self._idle = asyncio.Event()
        self._is_open = False

    def start(self, pending: Mapping[str, Pending[Command]]) -> None:
        """Begin with the effects that the log says are pending, in its order."""
        self._is_open = True
        delays: list[tuple[int, str]] = []
        at_once: list[str] = []
        for origin, waiting in pending.items():  # a map has no order, and Delays need none
            if isinstance(waiting.effect, Delay) and waiting.dead is None:
                delays.append((due(waiting.since, waiting.effect.seconds), origin))
            else:
                at_once.append(origin)
        self._timers.set_all(delays)
        self.begin(sorted(at_once, key=place))

    def begin(self, origins: Iterable[str]) -> None:
        """The turn of these effects has come."""
        for origin in origins:
            self._begin(origin, self._store.pending(origin))
        self._go_on()

    def _begin(self, origin: str, pending: Pending[Command] | None) -> None:
        if pending is None or pending.dead is not None or not self._is_open:
            return
        match pending.effect:
            case Dispatch():
                self._commands.append(origin)
            case Delay(seconds):
                self._timers.set(due(pending.since, seconds), origin)
            case _:
                self._attempts.begin(origin)

    def cancel(self, origins: Sequence[str]) -> None:
        """These effects have ended by a Cancel: stop those that are at work."""
        for origin in origins:
            self._attempts.cancel(origin)
        self._timers.cancel(len(origins))

    async def stop(self, grace_seconds: float) -> None:
        """Let what is under way end in so many seconds, and what follows from it at once.

        Delays wait for the next start, and so do a Run and a Stream that have not begun.
        """
        self._timers.stop()
        with suppress(TimeoutError):
            async with asyncio.timeout(grace_seconds):
                await self._attempts.finish()
                while self._commands or self._in_flight:
                    self._idle.clear()
                    await self._idle.wait()
        self._is_open = False
        await self._attempts.stop()

    def abandon(self) -> None:
        """Let everything be: another node performs it."""
        self._is_open = False
        self._timers.stop()
        self._commands.clear()
        self._attempts.abandon()

    def _is_pending(self, origin: str) -> bool:
        return self._store.pending(origin) is not None

    def _go_on(self) -> None:
        """Have commands decided, so many at once that others are decided in between."""
        while self._is_open and self._commands and self._in_flight < COMMANDS_IN_FLIGHT:
            self._decide(self._commands.popleft())

    def _decide(self, origin: str) -> None:
        pending = self._store.pending(origin)
        if pending is None or not isinstance(pending.effect, Dispatch | Delay):
            return
        command = pending.effect.command
        request = Request(command, SYSTEM, self._store.new_key(), pending.cause, origin)
        self._in_flight += 1
        self._store.enqueue(request).add_done_callback(partial(self._decided, origin))

    def _decided(self, origin: str, answer: asyncio.Future[Outcome[Any, Any]]) -> None:
        self._in_flight -= 1
        fault = None if answer.cancelled() else answer.exception()
        if isinstance(fault, Rejected) and fault.code is Code.UNAVAILABLE:
            self._set_timer(AGAIN_SECONDS, origin)
        self._go_on()
        if not self._in_flight:
            self._idle.set()

    def _set_timer(self, seconds: float, origin: str) -> None:
        if self._is_open:
            self._timers.set(due(self._store.now(), seconds), origin)

    def _rang(self, origins: Sequence[str]) -> None:
        """The time of these effects has come: a Delay's, or that of another attempt."""
        for origin in origins:
            pending = self._store.pending(origin)
            if pending is not None and isinstance(pending.effect, Run | Stream):
                self._attempts.begin(origin)
            elif pending is not None:
                self._commands.append(origin)
        self._go_on()


def due(since: int, seconds: float) -> int:
    """When so many seconds have gone by, in microseconds since 1970, UTC.

    Whatever a log holds is due some time: what is below 0, or no number, counts as 0.
    """
    return since + round(max(0.0, min(seconds, LONGEST_SECONDS)) * MICROSECONDS)
