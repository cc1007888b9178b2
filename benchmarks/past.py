"""Logs of the past: made once by the real rules in big commits, and kept under `.dev/bench`."""

from __future__ import annotations

import asyncio
import hashlib
import shutil
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from time import time_ns
from typing import TypeAlias

from app.core.effects import Delay, Dispatch, Run
from app.core.principal import SYSTEM
from app.domain import Command, Event, State
from app.domain.orders.actions import OrderProcessing, ShipOrder
from app.runtime.decide import Decider
from app.runtime.decision import Decision, Note, Request
from app.runtime.event_log.port import Entry
from app.runtime.event_log.sqlite import SqliteLog
from app.runtime.event_log.sqlite_file import FORMAT
from app.runtime.head import Head
from app.runtime.pending import Turn
from app.wire.fingerprint import FINGERPRINT

from benchmarks import shop
from benchmarks.measure import WORK
from benchmarks.shop import SHOP, order, shop_rules, without_saga

ENTRIES_A_COMMIT = 20_000
ORDERS_AT_A_TIME = 100

ShopDecision: TypeAlias = Decision[State, Command, Event]
ShopRequest: TypeAlias = Request[Command] | Note


@dataclass(frozen=True, slots=True)
class Past:
    """What has happened: so many orders of so many lines each, and how far they have come.

    Every order has gone through its saga, up to processing, unless there is none. `with_ids` is
    as clients do who name each command.
    """

    orders: int
    lines: int = 1
    shipped: bool = False
    saga: bool = True
    unlike: bool = False
    with_ids: bool = False


async def written(past: Past) -> Path:
    """The file of a log that holds this past; whoever writes to it works on a copy."""
    edition = WORK / "past" / _edition()
    path = edition / f"{_digest(repr(past))}.db"
    for other in set(edition.parent.glob("*")) - {edition}:
        shutil.rmtree(other, ignore_errors=True)
    if not path.exists():
        beside = path.with_suffix(".part")
        for leftover in beside.parent.glob(f"{beside.name}*"):
            leftover.unlink()
        log = SqliteLog(beside)
        try:
            await _write(log, past)
        finally:
            await log.close()
        beside.rename(path)
    return path


def _edition() -> str:
    """Names the code that such a past is made by."""
    texts = [Path(file or "").read_text() for file in (__file__, shop.__file__)]
    return _digest(FINGERPRINT, str(FORMAT), *texts)


def _digest(*parts: str) -> str:
    return hashlib.blake2b("\n".join(parts).encode(), digest_size=8).hexdigest()


async def _write(log: SqliteLog, past: Past) -> None:
    rules = shop_rules() if past.saga else without_saga(shop_rules())
    story = Story(past, Decider(rules))
    end = 0
    for entries in story.told():
        await log.append(end, entries)
        end += len(entries)
        await asyncio.sleep(0)


@dataclass(slots=True)
class Story:
    """Decides all that happens, in the order in which a busy service would."""

    past: Past
    decider: Decider[State, Command, Event]
    entries: list[Entry] = field(default_factory=list)
    waiting: deque[ShopRequest] = field(default_factory=deque)
    keys: Iterator[int] = field(default_factory=lambda: count(1))

    def told(self) -> Iterator[list[Entry]]:
        """The entries, in as many as are to be stored at once."""
        head = self.decider.start()
        for first in range(0, self.past.orders, ORDERS_AT_A_TIME):
            last = min(first + ORDERS_AT_A_TIME, self.past.orders)
            self.waiting.extend(self._placed(number) for number in range(first, last))
            while self.waiting:
                head = self._decided(head, self.waiting.popleft())
            if len(self.entries) >= ENTRIES_A_COMMIT:
                yield self.entries
                self.entries = []
        if self.entries:
            yield self.entries

    def _placed(self, number: int) -> ShopRequest:
        command = order(number, self.past.lines, unlike=self.past.unlike)
        name = f"place-{number}" if self.past.with_ids else None
        return Request(command, SHOP, self._key(), name)

    def _decided(self, head: Head[State, Command], request: ShopRequest) -> Head[State, Command]:
        now = time_ns() // 1000
        if isinstance(request, Note):
            decision = self.decider.noted(head, request, now)
        else:
            decision = self.decider.decided(head, request, now)
        self.entries.extend(decision.entries)
        for origin in decision.begun:
            self.waiting.extend(self._performed(decision.head, origin))
        if self.past.shipped:
            self.waiting.extend(self._shipped(decision))
        return decision.head

    def _performed(self, head: Head[State, Command], origin: str) -> Iterator[ShopRequest]:
        """What the service does about an effect."""
        pending = head.effects.pending[origin]
        match pending.effect:
            case Dispatch(command):
                yield Request(command, SYSTEM, self._key(), pending.cause, origin)
            case Run():
                yield Note(origin, Turn.STARTED, SYSTEM, self._key())
                yield Request(None, SYSTEM, self._key(), pending.cause, origin)
            case Delay():
                pass
            case effect:
                raise TypeError(f"an order does not ask for {effect}")

    def _shipped(self, decision: ShopDecision) -> Iterator[ShopRequest]:
        """Each order is shipped once its saga has had its turns."""
        for happened in decision.events:
            if isinstance(happened.event, OrderProcessing):
                yield Request(ShipOrder(happened.event.order_id, "T123456"), SHOP, self._key())

    def _key(self) -> str:
        return f"0123456789abcdef-{next(self.keys)}"
