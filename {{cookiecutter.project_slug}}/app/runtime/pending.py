"""The effects that are stored and have not ended: a pure table, part of what the log says.

An effect is known by its origin: the position of its event, and its place among what the event
asks for, `12.0`; inside a Parallel or Sequential one place more, `12.0.1`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from enum import StrEnum
from typing import Generic, NamedTuple, TypeAlias, TypeVar

from rpds import HashTrieMap

from app.core.effects import Cancel, Dispatch, Durable, Leaf, Parallel, Sequential
from app.runtime.dead_letters import DeadLetters

Command = TypeVar("Command")

NO_KEYS: frozenset[str] = frozenset()
NO_ORIGINS: frozenset[str] = frozenset()
# Who uses a key: most are used once.
Users: TypeAlias = "str | HashTrieMap[str, int]"


class Turn(StrEnum):
    """What an entry tells of an effect that goes on; the words after a colon are for people."""

    STARTED = "started"  # an attempt begins: counted before, so that one that kills is counted too
    GIVEN = "given"  # a Stream has given one command more, accepted or refused
    INTERRUPTED = "interrupted"  # the service stopped meanwhile: that attempt does not count
    DEAD = "dead"  # it has failed for good, until somebody retries or discards it
    RETRIED = "retried"  # somebody has asked for it to be tried again


class Pending(NamedTuple, Generic[Command]):
    """An effect to be performed, and how far it has come.

    `since` is the time (microseconds since 1970, UTC) at which its turn came: a Delay counts from
    there. `attempts` have begun since the last sign of progress; `given` counts a Stream's
    commands; `dead` says why it has failed for good. `cause` is the client's id at the root.
    """

    effect: Leaf[Command]
    since: int
    cause: str | None = None
    attempts: int = 0
    given: int = 0
    dead: str | None = None


class EffectGroup(NamedTuple, Generic[Command]):
    """A Parallel, or a Sequential that is at its child `next - 1`; `open` children go on."""

    effect: Parallel[Command] | Sequential[Command]
    cause: str | None
    open: int
    next: int
    cancelled: frozenset[str] = NO_KEYS


class PendingEffects(NamedTuple, Generic[Command]):
    """Every effect that has not ended, by origin; which died; and where each key is used.

    `keyed` says of each key which origins use it, and how often: thousands may share one.
    """

    pending: HashTrieMap[str, Pending[Command]] = HashTrieMap()
    groups: HashTrieMap[str, EffectGroup[Command]] = HashTrieMap()
    keyed: HashTrieMap[str, Users] = HashTrieMap()
    dead: DeadLetters = DeadLetters()


class Changing(Generic[Command]):
    """Effects while one entry changes them: what has ended, what is asked for, what begins.

    `begun` are the origins whose turn has come, `cancelled` those that ended by a Cancel. A
    settlement comes before what the same entry asks for, and an event's effects in their order.
    Effects in `passed` are passed over: whoever knows that they end soon need not note them.
    """

    def __init__(
        self, effects: PendingEffects[Command], now: int, passed: frozenset[str] = NO_ORIGINS
    ) -> None:
        self.pending = effects.pending
        self.groups = effects.groups
        self.keyed = effects.keyed
        self.dead = effects.dead
        self.begun: list[str] = []
        self.cancelled: list[str] = []
        self.now = now
        self._passed = passed
        self._over: deque[str] = deque()  # origins that have ended, for the groups they are in

    def result(self) -> PendingEffects[Command]:
        """The table after the entry."""
        return PendingEffects(self.pending, self.groups, self.keyed, self.dead)

    def ask(self, position: int, effects: Sequence[Durable[Command]], cause: str | None) -> None:
        """Begin what the event at `position` asks for."""
        for place in range(len(effects)):
            origin = f"{position}.{place}"
            if origin not in self._passed:
                self._begin(origin, effects[place], cause, NO_KEYS)
                self._go_on()

    def turn(self, origin: str, turn: Turn, words: str = "") -> None:
        """Note how an effect goes on."""
        pending = self.pending[origin]
        match turn:
            case Turn.STARTED:
                now = pending._replace(attempts=pending.attempts + 1)
            case Turn.GIVEN:
                now = pending._replace(given=pending.given + 1, attempts=1)
            case Turn.INTERRUPTED:
                now = pending._replace(attempts=max(pending.attempts - 1, 0))
            case Turn.DEAD:
                now = pending._replace(dead=words)
                self.dead = self.dead.added(origin)
            case Turn.RETRIED:
                now = pending._replace(dead=None, attempts=0)
                self.dead = self.dead.without(origin)
                self.begun.append(origin)
        self.pending = self.pending.insert(origin, now)

    def settle(self, origin: str) -> None:
        """End an effect, and begin what waits for its end."""
        self._end(origin)
        self._go_on()

    def _end(self, origin: str) -> None:
        pending = self.pending[origin]
        self.pending = self.pending.discard(origin)
        self.dead = self.dead.without(origin)
        self._forget_key(_key(pending.effect), origin)
        self._over.append(origin)

    def _begin(
        self, origin: str, effect: Durable[Command], cause: str | None, cancelled: frozenset[str]
    ) -> None:
        match effect:
            case Cancel(key):
                self._cancel(key)
                self._over.append(origin)
            case Parallel() | Sequential():
                self._begin_group(origin, effect, cause, cancelled)
            case _ if _key(effect) in cancelled:
                self._over.append(origin)
            case _:
                self.pending = self.pending.insert(origin, Pending(effect, self.now, cause))
                self._remember_key(_key(effect), origin)
                self.begun.append(origin)

    def _begin_group(
        self,
        origin: str,
        effect: Parallel[Command] | Sequential[Command],
        cause: str | None,
        cancelled: frozenset[str],
    ) -> None:
        children = effect.effects
        at_once = len(children) if isinstance(effect, Parallel) else min(1, len(children))
        if not at_once:
            self._over.append(origin)
            return
        self.groups = self.groups.insert(
            origin, EffectGroup(effect, cause, at_once, at_once, cancelled)
        )
        for key in _keys_of(children[at_once:]):
            self._remember_key(key, origin)
        for place in range(at_once):
            self._begin(f"{origin}.{place}", children[place], cause, cancelled)

    def _go_on(self) -> None:
        """Count what has ended, until nothing more ends by that."""
        while self._over:
            parent = self._over.popleft().rpartition(".")[0]
            if (group := self.groups.get(parent)) is not None:
                self._count_down(parent, group)

    def _count_down(self, parent: str, group: EffectGroup[Command]) -> None:
        """One child less; go on with the next when its turn is over."""
        children = group.effect.effects
        if group.open > 1:
            self.groups = self.groups.insert(parent, group._replace(open=group.open - 1))
        elif group.next < len(children):
            child = children[group.next]
            self.groups = self.groups.insert(parent, group._replace(next=group.next + 1))
            for key in _keys_of((child,)):
                self._forget_key(key, parent)
            self._begin(f"{parent}.{group.next}", child, group.cause, group.cancelled)
        else:
            self.groups = self.groups.discard(parent)
            self._over.append(parent)

    def _cancel(self, key: str) -> None:
        users = self.keyed.get(key, ())
        origins = [users] if isinstance(users, str) else sorted(users, key=place)
        for origin in origins:
            group = self.groups.get(origin)
            if group is not None:  # its turn has not come: it will be passed over
                marked = group._replace(cancelled=group.cancelled | {key})
                self.groups = self.groups.insert(origin, marked)
        for origin in origins:
            if origin in self.pending:
                self.cancelled.append(origin)
                self._end(origin)

    def _remember_key(self, key: str | None, origin: str) -> None:
        if key is None:
            return
        users = self.keyed.get(key)
        if users is None:
            self.keyed = self.keyed.insert(key, origin)
            return
        origins = HashTrieMap({users: 1}) if isinstance(users, str) else users
        self.keyed = self.keyed.insert(key, origins.insert(origin, origins.get(origin, 0) + 1))

    def _forget_key(self, key: str | None, origin: str) -> None:
        if key is None:
            return
        origins = self.keyed[key]
        if not isinstance(origins, str):
            times = origins[origin] - 1
            origins = origins.insert(origin, times) if times else origins.remove(origin)
        is_last = isinstance(origins, str) or not origins
        self.keyed = self.keyed.remove(key) if is_last else self.keyed.insert(key, origins)


def _key(effect: Leaf[Command]) -> str | None:
    return None if isinstance(effect, Dispatch) else effect.key


def _keys_of(effects: Sequence[Durable[Command]]) -> list[str]:
    """Every key in these trees of effects, as often as it is used."""
    keys: list[str] = []
    for effect in effects:
        if isinstance(effect, Parallel | Sequential):
            keys.extend(_keys_of(effect.effects))
        elif not isinstance(effect, Cancel) and (key := _key(effect)) is not None:
            keys.append(key)
    return keys


def place(origin: str) -> tuple[int, ...]:
    """Where an origin stands in the order of the log."""
    return tuple(map(int, origin.split(".")))
