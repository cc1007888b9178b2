"""Looks for the events that matter to a decision: as few as lead to the same."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Any, Generic, TypeAlias

import orjson

from app.core.environment import Environment
from app.core.principal import Principal
from app.core.rejected import Rejected
from app.runtime.event_log.port import Entry
from app.runtime.head import principal_of
from app.runtime.history import ENTRIES_A_SLICE, LEFT, Gone, History, unreadable
from app.runtime.replay import ENTRIES_A_READ
from app.runtime.rules import Command, Event, Rules, State
from app.runtime.ruling import Moment, Ruling, rule

# The time and the seed under which `tests/scenario.py` applies what is given.
GIVEN_AT, GIVEN_SEED = 1_767_323_045_000_000, "test"

ENTRIES_LOOKED_AT = 1_000_000
EVENTS_ASKED_OF = 300_000
MENTIONING = 2_000
STEPS = 3
LAST = (10, 1_000, 10_000)
LONGEST_NAME = 64
FEW = 16
TEXTS = re.compile(r'"([^"\\]{1,64})"')

# Whether whoever asks may see what an action says that this principal has sent, or led to.
MaySee: TypeAlias = Callable[[Command | Event, Principal], bool]

IsMeant: TypeAlias = Callable[[str], bool]


class Search(Generic[State, Command, Event]):
    """Looks for events that lead to a ruling, and does not take for ever over it."""

    def __init__(
        self,
        rules: Rules[State, Command, Event],
        moment: Moment[Command],
        ruling: Ruling[Command, Event],
        gone: Gone,
    ) -> None:
        self._rules = rules
        self._moment = moment
        self._ruling = ruling
        self._gone = gone
        self._left = EVENTS_ASKED_OF

    async def found(self, candidates: AsyncIterator[Sequence[Event]]) -> Sequence[Event] | None:
        """The first of them that lead to the ruling."""
        async for events in candidates:
            if await self._lead(events):
                return events
        return None

    async def least(self, events: Sequence[Event]) -> tuple[Sequence[Event], bool]:
        """Those that cannot be left out, and whether all others are.

        Half of them at a time, then a quarter, and one by one in the end; those that happened last
        first, since they may speak of those before.
        """
        size = (len(events) + 1) // 2
        while size:
            known = len(events)
            for end in range(known, 0, -size):
                fewer = [*events[: max(0, end - size)], *events[end:]]
                if self._left < len(fewer):
                    return events, False
                if await self._lead(fewer):
                    events = fewer
            if size > 1 or len(events) == known:
                size //= 2
        return events, True

    async def _lead(self, events: Sequence[Event]) -> bool:
        if await self._gone():
            raise LEFT.anew()
        self._left -= len(events)
        state = self._rules.initial
        for place, event in enumerate(events):
            try:
                env = Environment(GIVEN_AT, GIVEN_SEED)
                state, _ = self._rules.reduce(state, event, env)
            except Exception:  # an event that speaks of what was left out
                return False
            if place % ENTRIES_A_SLICE == 0:
                await asyncio.sleep(0)
        try:
            return rule(self._rules, state, self._moment) == self._ruling
        except Exception:  # likewise
            return False


@dataclass(frozen=True, slots=True)
class Past(Generic[State, Command, Event]):
    """What happened before a moment, as far as whoever asks may see it."""

    history: History[State, Command, Event]
    moment: Moment[Command]
    may_see: MaySee[Command, Event]
    gone: Gone

    async def widening(self) -> AsyncIterator[Sequence[Event]]:
        """Nothing; what mentions the command's names; what mentions those of that; the last."""
        yield []
        rules, found = self.history.rules, dict[int, Entry]()
        names = set(_texts(orjson.loads(rules.encode_command(self.moment.command))))
        for _ in range(STEPS):
            found |= await self._latest(MENTIONING, _mentions(names))
            yield self._events(found)
            for entry in found.values():
                names.update(_ids(orjson.loads(entry.event or "")))
        for number in LAST:
            yield self._events(await self._latest(number))

    async def _latest(self, most: int, is_meant: IsMeant = bool) -> dict[int, Entry]:
        """The last entries with events whose JSON is meant."""
        found: dict[int, Entry] = {}
        end, begin = self.moment.position - 1, max(0, self.moment.position - 1 - ENTRIES_LOOKED_AT)
        while end > begin and len(found) < most:
            if await self.gone():
                raise LEFT.anew()
            first = max(begin, end - ENTRIES_A_READ)
            entries = await self.history.entries(first, end - first)
            for place, entry in enumerate(reversed(entries)):
                if place % ENTRIES_A_SLICE == 0:
                    await asyncio.sleep(0)
                if len(found) < most and is_meant(entry.event or "") and self._is_seen(entry):
                    found[entry.position] = entry
            end = first
        return found

    def _is_seen(self, entry: Entry) -> bool:
        return self.may_see(self._decoded(entry), principal_of(entry.principal, entry.role))

    def _events(self, found: Mapping[int, Entry]) -> list[Event]:
        return [self._decoded(found[position]) for position in sorted(found)]

    def _decoded(self, entry: Entry) -> Event:
        try:
            return self.history.rules.decode_event(entry.event or "")
        except Rejected as problem:
            raise unreadable(entry, problem) from problem


def _mentions(names: Set[str]) -> IsMeant:
    """Whether a text holds one of these names; a few are looked for one by one, which is faster."""
    if len(names) <= FEW:
        quoted = [f'"{name}"' for name in names]
        return lambda text: any(name in text for name in quoted)
    return lambda text: not names.isdisjoint(TEXTS.findall(text))


def _texts(value: Any) -> Iterable[str]:
    """All texts in a JSON value that are short enough to be names."""
    match value:
        case str() if len(value) <= LONGEST_NAME:
            yield value
        case dict():
            for each in value.values():
                yield from _texts(each)
        case list():
            for each in value:
                yield from _texts(each)


def _ids(value: Any) -> Iterable[str]:
    """Those of fields that end in `_id`."""
    match value:
        case dict():
            for name, each in value.items():
                yield from _texts(each) if name.endswith("_id") else _ids(each)
        case list():
            for each in value:
                yield from _ids(each)
