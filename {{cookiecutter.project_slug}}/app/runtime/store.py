"""The Store: one owner of the State, through which every command goes.

Decide, evolve, append, publish, broadcast, perform: a command is decided on the State that its
predecessors leave, its events are applied to a State that nobody sees yet, and only when they
are durable is that State shown, the events broadcast and their effects performed.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from typing import Generic, TypeAlias

import structlog

from app.core.principal import SYSTEM, Principal
from app.core.rejected import Code, Rejected, StartRefused
from app.runtime.decide import Decider, Happened, Request
from app.runtime.event_log.port import Entry, EventLog, LogFull
from app.runtime.group import Outcome, Waiting, decide_group
from app.runtime.rules import Command, Event, Rules, State

WAITING_COMMANDS = 10_000
COMMANDS_A_COMMIT = 256
ENTRIES_A_READ = 1_000
FULL_DISK_SECONDS = 5

UNSURE = Rejected(Code.UNAVAILABLE, "the event log failed; look before sending it again")

log = structlog.get_logger(__name__)


Listener: TypeAlias = Callable[[Sequence[Happened[Event]]], None]


@asynccontextmanager
async def open_store(
    event_log: EventLog, rules: Rules[State, Command, Event]
) -> AsyncIterator[Store[State, Command, Event]]:
    """A Store with the State that its log says, for as long as the context lasts.

    Raises StartRefused for a log that cannot be read. If the log fails later on, the context is
    cancelled: what was stored is unsure then, and only a new start can tell.
    """
    store = Store(event_log, rules)
    await store.replay()
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(store.run(), name="store")
        try:
            yield store
        finally:
            store.close()


class Store(Generic[State, Command, Event]):
    """Decides commands in the order in which they came, many in one commit when they wait."""

    def __init__(self, event_log: EventLog, rules: Rules[State, Command, Event]) -> None:
        self.listeners: list[Listener[Event]] = []
        self._log = event_log
        self._decider = Decider(rules, event_log.epoch)
        self._head = self._decider.start()
        self._waiting: deque[Waiting[State, Command, Event]] = deque()
        self._wake = asyncio.Event()
        self._open = True

    @property
    def state(self) -> State:
        """The State now: an immutable value, whose every event is durable."""
        return self._head.state

    @property
    def seq(self) -> int:
        """The position in the log that the State belongs to."""
        return self._head.position

    @property
    def epoch(self) -> str:
        """The name of this log's positions; another log has another."""
        return self._log.epoch

    @property
    def is_open(self) -> bool:
        """Whether commands are taken."""
        return self._open

    async def dispatch(
        self, command: Command, *, by: Principal, id: str | None = None
    ) -> Outcome[State, Event]:
        """Decide the command and give its own events, durable and applied; or raise Rejected.

        A caller that is cancelled does not take its command back.
        """
        return await asyncio.shield(self.submit(command, by=by, id=id))

    def submit(
        self, command: Command, *, by: Principal, id: str | None = None
    ) -> asyncio.Future[Outcome[State, Event]]:
        """Queue the command behind all that came before it; the future is what `dispatch` gives."""
        answer: asyncio.Future[Outcome[State, Event]] = asyncio.get_running_loop().create_future()
        answer.add_done_callback(_noticed)
        if not self._open:
            answer.set_exception(Rejected(Code.UNAVAILABLE, "the service is stopping"))
        elif len(self._waiting) >= WAITING_COMMANDS:
            busy = f"{WAITING_COMMANDS} commands are waiting already"
            answer.set_exception(Rejected(Code.UNAVAILABLE, busy, retry_after=1))
        else:
            self._enqueue(Waiting(Request(command, by, secrets.token_hex(8), id), answer))
        return answer

    async def replay(self) -> None:
        """Rebuild the State from the log; raises StartRefused at an entry that cannot be read."""
        while entries := await self._log.read(self._head.position, ENTRIES_A_READ):
            for entry in entries:
                try:
                    self._head = self._decider.replayed(self._head, entry)
                except Rejected as problem:
                    raise StartRefused(
                        f"the event log cannot be read at position {entry.position}: "
                        f"{problem.message}; give a new field a default, or turn the old event "
                        f"into a new one in app/wire/upcasters.py: {entry.event or entry.effects}"
                    ) from None
        self._perform(sorted(self._head.pending, key=_place))

    async def run(self) -> None:
        """Commit what waits, group by group, until the Store is closed and nothing waits."""
        try:
            while group := await self._next_group():
                await self._commit(group)
        finally:
            self.close()
            _refuse_all(self._waiting, UNSURE)

    def close(self) -> None:
        """Take no more commands; those that wait are still decided."""
        self._open = False
        self._wake.set()

    def _enqueue(self, waiting: Waiting[State, Command, Event]) -> None:
        self._waiting.append(waiting)
        self._wake.set()

    async def _next_group(self) -> list[Waiting[State, Command, Event]]:
        while self._open and not self._waiting:
            self._wake.clear()
            await self._wake.wait()
        size = min(len(self._waiting), COMMANDS_A_COMMIT)
        return [self._waiting.popleft() for _ in range(size)]

    async def _commit(self, group: list[Waiting[State, Command, Event]]) -> None:
        """Decide a group and store what it leads to, all of it or nothing."""
        now = max(self._head.time, time.time_ns() // 1000)
        verdict = decide_group(self._decider, self._head, group, now)
        if verdict.entries and not await self._stored(verdict.entries, group):
            return
        self._head = verdict.head
        self._broadcast(verdict.events())
        verdict.announce()
        self._perform(verdict.asked())

    async def _stored(
        self, entries: list[Entry], group: list[Waiting[State, Command, Event]]
    ) -> bool:
        try:
            await self._log.append(self._head.position, entries)
        except LogFull as problem:
            log.error("nothing was stored", problem=str(problem))
            full = Rejected(Code.UNAVAILABLE, str(problem), retry_after=FULL_DISK_SECONDS)
            _refuse_all(group, full)
            origins = [waiting.request.origin for waiting in group]
            again = [origin for origin in origins if origin is not None]
            asyncio.get_running_loop().call_later(FULL_DISK_SECONDS, self._perform, again)
            return False
        except BaseException:
            _refuse_all(group, UNSURE)
            raise
        return True

    def _broadcast(self, events: Sequence[Happened[Event]]) -> None:
        if not events:
            return
        for listener in self.listeners:
            try:
                listener(events)
            except Exception:  # whoever listens must not stop whoever writes
                log.exception("a listener failed")

    def _perform(self, origins: Sequence[str]) -> None:
        """Ask for the commands of these effects, each of which is stored and has not ended."""
        if not self._open:
            return
        for origin in origins:
            pending = self._head.pending[origin]
            key = f"{self.epoch}/{origin}"
            command = pending.effect.command
            self._enqueue(Waiting(Request(command, SYSTEM, key, pending.cause, origin)))


def _place(origin: str) -> tuple[int, int]:
    position, place = origin.split("/")
    return int(position), int(place)


def _refuse_all(group: Iterable[Waiting[State, Command, Event]], refusal: Rejected) -> None:
    for waiting in group:
        waiting.refuse(refusal)


def _noticed(answer: asyncio.Future[Outcome[State, Event]]) -> None:
    """Look at the exception, so that a caller who has gone is no `never retrieved`."""
    if not answer.cancelled():
        answer.exception()
