"""Snapshots: all that the log says up to a position, so that a start need not read it all."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from typing import Any, Generic

import orjson
import structlog
from rpds import HashTrieMap

from app.core.effects import Parallel, Sequential
from app.runtime.batched import batched
from app.runtime.compare import PREFIX
from app.runtime.dead_letters import DeadLetters
from app.runtime.event_log.port import EventLog, LogUnavailable, Row
from app.runtime.head import Head
from app.runtime.pending import EffectGroup, Pending, PendingEffects, Users
from app.runtime.remembered import Remembered
from app.runtime.rules import Command, Event, Rules, State

ENTRIES_BETWEEN = 100_000
ENTRIES_AT_THE_END = 1_000
ENTRIES_AFTER_A_FAILURE = 10_000
# How many times as long as the last one took: to write down a State of millions takes a while,
# and a busy service would do nothing else.
REST = 10
SECONDS_AT_THE_END = 10.0
ITEMS_A_ROW = 250

log = structlog.get_logger(__name__)


class NotWritten(Exception):
    """A head cannot be written down."""


class Snapshots(Generic[State, Command, Event]):
    """Saves one now and then. `saved` is the position of the last one, 0 if there is none."""

    def __init__(self, event_log: EventLog, rules: Rules[State, Command, Event]) -> None:
        self.saved = 0
        self._not_before = 0
        self._rested = 0.0
        self._now = asyncio.get_running_loop().time
        self._log = event_log
        self._rules = rules
        self._saving: asyncio.Task[None] | None = None

    def save_if_due(self, head: Head[State, Command], tasks: asyncio.TaskGroup) -> None:
        """Begin a snapshot when the last one is so old that a start from it would take long."""
        # A share of the log, so that snapshots of a State that grows do not take ever more time.
        enough = max(ENTRIES_BETWEEN, head.position // 4)
        is_due = head.position >= max(self.saved + enough, self._not_before)
        is_idle = self._saving is None or self._saving.done()
        if is_due and is_idle and self._now() >= self._rested:
            self._saving = tasks.create_task(self._save(head), name="snapshot")

    async def at_the_end(self, head: Head[State, Command]) -> None:
        """Save one for the next start, if that saves it much and is done soon."""
        try:
            async with asyncio.timeout(SECONDS_AT_THE_END):
                if self._saving is not None:
                    await self._saving
                if head.position - self.saved >= ENTRIES_AT_THE_END:
                    await self._save(head)
        except TimeoutError:
            log.warning("no snapshot was saved: it takes too long for an end")

    async def _save(self, head: Head[State, Command]) -> None:
        began = self._now()
        try:
            await save_snapshot(self._log, self._rules, head)
        except (LogUnavailable, NotWritten) as problem:  # the log has it all: a start takes longer
            self._not_before = head.position + ENTRIES_AFTER_A_FAILURE
            log.warning("no snapshot was saved", problem=str(problem))
        else:
            self.saved = head.position
        self._rested = self._now() + REST * (self._now() - began)


async def save_snapshot(
    event_log: EventLog, rules: Rules[State, Command, Event], head: Head[State, Command]
) -> None:
    """Store what the log says up to this head, which never changes: the Store goes on meanwhile."""
    await event_log.save_snapshot(head.position, rules.fingerprint, _in_pieces(rules, head))
    # All that lives now will live long: full collections need not go through it any more.
    gc.collect(1)  # what is garbage already would stay for ever
    gc.freeze()
    log.info("saved a snapshot", position=head.position)


async def load_snapshot(
    event_log: EventLog, rules: Rules[State, Command, Event]
) -> Head[State, Command] | None:
    """The head that was saved, if it was saved by this version of the code, and is of this log."""
    snapshot = await event_log.load_snapshot(rules.fingerprint)
    if snapshot is None:
        return None
    try:
        head = _head_of(rules, snapshot.position, snapshot.rows)
    except Exception:  # the log has it all
        log.exception("the snapshot cannot be read: the whole log is", position=snapshot.position)
        return None
    if not await _is_of(event_log, head):
        log.error("the snapshot is of another log: the whole log is read", position=head.position)
        return None
    return head


async def _is_of(event_log: EventLog, head: Head[State, Command]) -> bool:
    """Whether the log has led to this: a server may have lost its end, and not the snapshot."""
    if head.position == 0:
        return True
    last = await event_log.read(head.position - 1, 1)
    return [entry.time for entry in last] == [head.time]


async def _in_pieces(
    rules: Rules[State, Command, Event], head: Head[State, Command]
) -> AsyncIterator[Sequence[Row]]:
    """Rows, a few hundred items each: encoding all at once would hold everybody up."""
    rows = _rows_of(rules, head)
    while True:
        try:
            row = next(rows, None)
        except Exception as fault:
            raise NotWritten(f"a part of the State has no JSON: {fault}") from fault
        if row is None:
            return
        yield [row]
        await asyncio.sleep(0)


def _rows_of(rules: Rules[State, Command, Event], head: Head[State, Command]) -> Iterator[Row]:
    remembered, effects = head.remembered, head.effects
    yield "head", _json([head.time, remembered.turned, list(effects.dead)])
    for name, ids in ("young", remembered.young), ("old", remembered.old):
        for commands in batched(ids.items(), ITEMS_A_ROW):
            yield name, _json([[*key, position] for key, position in commands])
    for keys in batched(effects.keyed.items(), ITEMS_A_ROW):
        yield "keyed", _json([[key, _plain(users)] for key, users in keys])
    for groups in batched(effects.groups.items(), ITEMS_A_ROW):
        yield "groups", _group_rows(rules, groups)
    for pending in batched(effects.pending.items(), ITEMS_A_ROW):
        yield "pending", _pending_rows(rules, pending)
    for name, text in rules.encode_state(head.state):
        yield f"{PREFIX}{name}", text


def _pending_rows(
    rules: Rules[State, Command, Event], some: Sequence[tuple[str, Pending[Command]]]
) -> str:
    rest = [[o, p.since, p.cause, p.attempts, p.given, p.dead] for o, p in some]
    return _json([rest, rules.encode_effects([pending.effect for _, pending in some])])


def _group_rows(
    rules: Rules[State, Command, Event], some: Sequence[tuple[str, EffectGroup[Command]]]
) -> str:
    rest = [[o, g.cause, g.open, g.next, sorted(g.cancelled)] for o, g in some]
    return _json([rest, rules.encode_effects([group.effect for _, group in some])])


def _head_of(
    rules: Rules[State, Command, Event], position: int, rows: Iterable[Row]
) -> Head[State, Command]:
    maps: dict[str, dict[Any, Any]] = {"young": {}, "old": {}, "keyed": {}, "groups": {}}
    maps["pending"] = {}
    head: list[Any] = []
    state_rows: list[Row] = []
    for name, text in rows:
        match name:
            case "head":
                head = orjson.loads(text)
            case "young" | "old":
                maps[name].update({tuple(key): first for *key, first in orjson.loads(text)})
            case "keyed":
                found = orjson.loads(text)
                maps[name].update({key: _users_of(users) for key, users in found})
            case "groups":
                maps[name].update(_groups_of(rules, text))
            case "pending":
                maps[name].update(_pending_of(rules, text))
            case _:
                state_rows.append((name.removeprefix(PREFIX), text))
    time, turned, died = head
    dead = DeadLetters()
    for origin in died:
        dead = dead.added(origin)
    kept = {name: HashTrieMap(found) for name, found in maps.items()}
    effects: PendingEffects[Command] = PendingEffects(
        kept["pending"], kept["groups"], kept["keyed"], dead
    )
    remembered = Remembered(kept["young"], kept["old"], turned)
    return Head(position, time, rules.decode_state(state_rows), effects, remembered)


def _pending_of(
    rules: Rules[State, Command, Event], text: str
) -> Iterator[tuple[str, Pending[Command]]]:
    rest, effects = orjson.loads(text)
    for values, effect in zip(rest, rules.decode_effects(effects), strict=True):
        origin, *others = values
        yield origin, Pending(effect, *others)  # type: ignore[arg-type]


def _groups_of(
    rules: Rules[State, Command, Event], text: str
) -> Iterator[tuple[str, EffectGroup[Command]]]:
    rest, effects = orjson.loads(text)
    for values, effect in zip(rest, rules.decode_effects(effects), strict=True):
        origin, cause, open_, next_, cancelled = values
        if isinstance(effect, Parallel | Sequential):
            yield origin, EffectGroup(effect, cause, open_, next_, frozenset(cancelled))


def _plain(users: Users) -> str | dict[str, int]:
    return users if isinstance(users, str) else dict(users)


def _users_of(plain: str | dict[str, int]) -> Users:
    return plain if isinstance(plain, str) else HashTrieMap(plain)


def _json(value: object) -> str:
    return orjson.dumps(value).decode()
