"""Mistakes in the Store that somebody could make in good faith."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any, TypeAlias

import pytest

from app.core.effects import Delay
from app.core.environment import Environment
from app.core.ports import Attempt
from app.live.hearing import Hearing
from app.live.message import bundled
from app.runtime import replay, snapshot
from app.runtime.attempts import Attempts
from app.runtime.commit import Commits
from app.runtime.decide import Decider
from app.runtime.effects import Performer
from app.runtime.event_log.port import AnswerLost, Entry
from app.runtime.group import decide_group
from app.runtime.head import Head
from app.runtime.pending import Changing, PendingEffects
from app.runtime.remembered import Remembered
from app.runtime.snapshot import Snapshots

Patch: TypeAlias = pytest.MonkeyPatch
# With the feature that must be there for it to do harm.
Sabotages: TypeAlias = Mapping[Callable[[Patch], None], str | None]


def the_state_is_shown_before_it_is_stored(patch: Patch) -> None:
    async def stored(self: Any, group: Any) -> Any:
        before, now = self.head, max(self.head.time, self._clock())
        verdict = decide_group(self._decider, before, group, now)
        self.head = verdict.head
        if verdict.entries:
            await self._log.append(before.position, verdict.entries)
        return verdict

    patch.setattr(Commits, "_stored", stored)


def whoever_asks_is_answered_before_it_is_stored(patch: Patch) -> None:
    stored = Commits._stored

    async def early(self: Any, group: Any) -> Any:
        now = max(self.head.time, self._clock())
        await self._answer(decide_group(self._decider, self.head, group, now))
        return await stored(self, group)

    patch.setattr(Commits, "_stored", early)


def a_lost_answer_is_taken_for_a_yes(patch: Patch) -> None:
    async def append(self: Any, entries: Sequence[Entry]) -> bool:
        with suppress(AnswerLost):
            await self._log.append(self.head.position, entries)
        return True

    patch.setattr(Commits, "_append", append)


def a_lost_answer_is_taken_for_a_no(patch: Patch) -> None:
    async def append(self: Any, entries: Sequence[Entry]) -> bool:
        try:
            await self._log.append(self.head.position, entries)
        except AnswerLost:
            return False
        return True

    patch.setattr(Commits, "_append", append)


def ids_are_not_remembered(patch: Patch) -> None:
    patch.setattr(Remembered, "get", lambda *name: None)


def ids_are_not_remembered_across_restarts(patch: Patch) -> None:
    load = snapshot.load_snapshot

    async def forgetful(*what: Any) -> Any:
        head = await load(*what)
        return head and Head(head.position, head.time, head.state, head.effects)

    patch.setattr(replay, "load_snapshot", forgetful)


def a_snapshot_forgets_what_is_pending(patch: Patch) -> None:
    load = snapshot.load_snapshot

    async def forgetful(*what: Any) -> Any:
        head = await load(*what)
        return head and Head(
            head.position, head.time, head.state, PendingEffects(), head.remembered
        )

    patch.setattr(replay, "load_snapshot", forgetful)


def a_snapshot_names_a_later_position(patch: Patch) -> None:
    async def save(self: Any, head: Any) -> None:
        late = head._replace(position=head.position + 1)
        await snapshot.save_snapshot(self._log, self._rules, late)
        self.saved = late.position

    patch.setattr(Snapshots, "_save", save)


def a_replay_asks_for_effects_anew(patch: Patch) -> None:
    def advance(self: Any, advance: Any, entry: Entry, events: Sequence[Any]) -> None:
        if not events:
            genuine(self, advance, entry, events)
            return
        env = Environment(entry.time, f"{entry.command}/{entry.position}")
        state, asked = self.rules.reduce(advance.state, events[0], env)
        advance.enter(entry, state, asked)

    genuine = Decider.advance
    patch.setattr(Decider, "advance", advance)


def an_end_is_not_recorded(patch: Patch) -> None:
    end = Changing._end

    def forgetful(self: Any, origin: str) -> None:
        if not origin.endswith(".1"):
            end(self, origin)

    patch.setattr(Changing, "_end", forgetful)


def what_has_ended_is_decided_again(patch: Patch) -> None:
    patch.setattr("app.runtime.decide.is_awaited", lambda pending, request: True)


def a_delay_counts_from_the_restart(patch: Patch) -> None:
    start = Performer.start

    def late(self: Any, pending: Any) -> None:
        now = self._store.now()
        start(self, {o: p._replace(since=now) for o, p in pending.items()})

    patch.setattr(Performer, "start", late)


def a_delay_is_forgotten_by_a_restart(patch: Patch) -> None:
    start = Performer.start

    def forgetful(self: Any, pending: Any) -> None:
        kept = {o: p for o, p in pending.items() if not isinstance(p.effect, Delay)}
        start(self, kept)

    patch.setattr(Performer, "start", forgetful)


def a_cancel_is_ignored(patch: Patch) -> None:
    patch.setattr(Changing, "_cancel", lambda self, key: None)


def an_attempt_is_not_counted(patch: Patch) -> None:
    async def perform(self: Any, origin: str) -> None:
        await self._perform(origin, self._store.pending(origin))

    patch.setattr(Attempts, "_attempt", perform)


def a_stream_begins_at_its_beginning(patch: Patch) -> None:
    patch.setattr("app.runtime.attempts.Attempt", lambda origin, given=0: Attempt(origin))


def a_dispatch_is_lost_when_the_disk_is_full(patch: Patch) -> None:
    def forget(self: Any, origin: str, answer: Any) -> None:
        self._in_flight -= 1
        self._go_on()

    patch.setattr(Performer, "_decided", forget)


def who_comes_back_is_told_only_what_had_happened_by_then(patch: Patch) -> None:
    async def catch_up(self: Any, since: int) -> None:
        position, end = since, self._store.seq
        while position < end:
            events, position = await self._events_after(position)
            for piece in bundled(self._heard_here(events)):
                self.connection.write(piece)
                await self._have_room()
        self._hub.join(self, self._audience)
        self._catching_up = None
        self._say_what_was_held()

    patch.setattr(Hearing, "_catch_up", catch_up)


def subscribers_read_what_nobody_was_told(patch: Patch) -> None:
    async def catch_up(self: Any) -> None:
        events, self._position = await self._read(self._position, 8)
        self._is_behind = self._position < self._broadcast.seq
        self._take(events)

    patch.setattr("app.runtime.broadcast.Subscription._catch_up", catch_up)


OF_THE_STORE: Sabotages = {
    the_state_is_shown_before_it_is_stored: None,
    whoever_asks_is_answered_before_it_is_stored: None,
    a_lost_answer_is_taken_for_a_yes: None,
    a_lost_answer_is_taken_for_a_no: None,
    ids_are_not_remembered: None,
    ids_are_not_remembered_across_restarts: None,
    a_snapshot_forgets_what_is_pending: "orders",
    a_snapshot_names_a_later_position: None,
    a_replay_asks_for_effects_anew: "orders",
    an_end_is_not_recorded: "orders",
    what_has_ended_is_decided_again: "orders",
    a_delay_counts_from_the_restart: "orders",
    a_delay_is_forgotten_by_a_restart: "orders",
    a_cancel_is_ignored: "orders",
    an_attempt_is_not_counted: "notifications",
    a_stream_begins_at_its_beginning: "jobs",
    a_dispatch_is_lost_when_the_disk_is_full: "orders",
    subscribers_read_what_nobody_was_told: None,
    who_comes_back_is_told_only_what_had_happened_by_then: None,
}
