"""The past of the log: its entries, and the State at any of its positions."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Generic, TypeAlias

from app.core.rejected import Code, Rejected
from app.runtime.batched import batched
from app.runtime.commit import unavailable
from app.runtime.decide import Decider
from app.runtime.event_log.port import Entry, EventLog, LogUnavailable
from app.runtime.group import words_of
from app.runtime.replay import ENTRIES_A_READ, read_command
from app.runtime.rules import Command, Event, Rules, State

ENTRIES_A_SLICE = 100
CHECKPOINTS = 128
CHECKPOINTS_APART = 256
ASKED_LAST = 16
WAITING = 16
KEPT_SECONDS = 600

# Whether whoever asked has gone meanwhile.
Gone: TypeAlias = Callable[[], Awaitable[bool]]

BUSY = Rejected(Code.UNAVAILABLE, f"{WAITING} others look at the past already", retry_after=1)
LEFT = Rejected(Code.UNAVAILABLE, "whoever asked has gone")


class History(Generic[State, Command, Event]):
    """Reads the log by the rules as they are now, for one reader after another."""

    def __init__(self, event_log: EventLog, rules: Rules[State, Command, Event]) -> None:
        self.rules = rules
        self._log = event_log
        self._decider = Decider(rules)
        self._known = Checkpoints(rules.initial)
        self._turn = asyncio.Lock()
        self._waiting = 0
        self._forget: asyncio.TimerHandle | None = None

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """The reader's turn: reading the past takes time, so that one does it at a time.

        Raises Rejected where too many wait for theirs.
        """
        if self._waiting >= WAITING:
            raise BUSY.anew()
        if self._forget is not None:
            self._forget.cancel()
        self._waiting += 1
        try:
            async with self._turn:
                yield
        finally:
            self._waiting -= 1
            if not self._waiting:
                loop = asyncio.get_running_loop()
                self._forget = loop.call_later(KEPT_SECONDS, self._known.forget)

    async def entries(self, after: int, limit: int) -> Sequence[Entry]:
        """At most `limit` entries from the one after a position; raises Rejected."""
        return await self._read(self._log.read(after, limit))

    async def decision(self, position: int) -> Sequence[Entry]:
        """All entries of the decision that the entry at a position is a part of.

        Raises Rejected where there is none, and where the log cannot be reached.
        """
        begin, size = position, 8
        while True:
            earliest = max(0, begin - size)
            entries = await self.entries(earliest, begin - earliest)
            if not entries or entries[-1].position < begin:
                raise Rejected(Code.NOT_FOUND, f"there is no position {position}")
            other = [entry for entry in entries if entry.command != entries[-1].command]
            begin = other[-1].position + 1 if other else entries[0].position
            if other or begin == 1:
                break
            size *= 2
        return await self._read(read_command(self._log, begin))

    async def state_at(self, position: int, gone: Gone) -> State:
        """The State after the entry at a position; 0 is before the first.

        To be called in one's `turn`. Raises Rejected, which names an entry that cannot be read;
        and once `gone`, so that nobody waits for what nobody wants.
        """
        at, state = self._known.before(position)
        while at < position:
            if await gone():
                raise LEFT.anew()
            read = await self.entries(at, min(ENTRIES_A_READ, position - at))
            for some in batched(read, ENTRIES_A_SLICE):
                for entry in some:
                    at, state = entry.position, self._after(state, entry)
                    self._known.pass_by(at, state)
                await asyncio.sleep(0)
        self._known.keep(position, state)
        return state

    async def _read(self, reading: Awaitable[Sequence[Entry]]) -> Sequence[Entry]:
        try:
            return await reading
        except LogUnavailable as problem:
            raise unavailable(problem) from None

    def _after(self, state: State, entry: Entry) -> State:
        if entry.event is None:
            return state
        try:
            return self._decider.evolved(state, entry, self.rules.decode_event(entry.event))
        except Exception as problem:  # what cannot be read, or what an edited rule stumbles over
            raise unreadable(entry, problem) from problem


class Checkpoints(Generic[State]):
    """States of the past to begin from: a few far apart, and those that were asked for last.

    A State shares with the next what has not changed, so that keeping one is cheap. When there are
    too many, every other one goes, and from then on they are twice as far apart.
    """

    def __init__(self, initial: State) -> None:
        self._initial = initial
        self.forget()

    def forget(self) -> None:
        """Keep none but the beginning: together they take about as much as the State itself."""
        self._apart = CHECKPOINTS_APART
        self._kept = {0: self._initial}
        self._asked: OrderedDict[int, State] = OrderedDict()

    def before(self, position: int) -> tuple[int, State]:
        """The last one up to a position."""
        known = {**self._kept, **self._asked}
        at = max(each for each in known if each <= position)
        return at, known[at]

    def pass_by(self, position: int, state: State) -> None:
        """Keep this one, if it is its turn."""
        if position % self._apart:
            return
        self._kept[position] = state
        if len(self._kept) > CHECKPOINTS:
            self._apart *= 2
            self._kept = {at: kept for at, kept in self._kept.items() if at % self._apart == 0}

    def keep(self, position: int, state: State) -> None:
        """Keep this one for a while: whoever asked will ask for its neighbours."""
        self._asked[position] = state
        self._asked.move_to_end(position)
        if len(self._asked) > ASKED_LAST:
            self._asked.popitem(last=False)


def unreadable(entry: Entry, problem: Exception) -> Rejected:
    """The refusal that names an entry; what is in it may be private, so it is not quoted."""
    told = f"the event log cannot be read at position {entry.position}: {words_of(problem)}"
    return Rejected(Code.INTERNAL, told)
