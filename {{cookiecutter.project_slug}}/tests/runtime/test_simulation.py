"""The Store on simulated disks: hundreds of crashes pass, and every sabotage is found."""

import asyncio
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from app.core.effects import Delay
from app.core.environment import Environment
from app.runtime import effects as performer
from app.runtime import replay, snapshot, store
from app.runtime.decide import Decider, Decision, Head
from app.runtime.effects import Performer
from app.runtime.event_log.port import AnswerLost, Entry
from app.runtime.group import decide_group
from app.runtime.pending import Changing, Effects, Pending, Turn
from app.runtime.remembered import Remembered
from app.runtime.store import Store
from tests.simulation.schedule import simulate
from tests.simulation.violation import Violation

ROOT = Path(__file__).parents[2]
SCHEDULES = 200
# Failures that every run of so many schedules comes upon.
MET = {
    "broken after",
    "broken before",
    "conflict",
    "crashed",
    "duplicate",
    "ended by its disk",
    "full",
    "id reused",
    "impatience",
    "lost after",
    "lost before",
    "refused",
    "snapshot of other code",
    "snapshot used",
    "stopped",
    "unavailable",
}


def test_hundreds_of_schedules_pass_and_meet_every_failure() -> None:
    met: Counter[str] = Counter()

    for seed in range(SCHEDULES):
        met += simulate(seed).met

    assert set(met) >= MET


def test_the_same_seed_gives_the_same_run_in_any_process() -> None:
    program = "from tests.simulation.schedule import simulate\nprint(simulate(4711).digest())"

    digests = {
        subprocess.run(  # noqa: S603
            [sys.executable, "-c", program],
            cwd=ROOT,
            env={**os.environ, "PYTHONHASHSEED": hash_seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()
        for hash_seed in ("1", "2")
    }

    assert digests == {simulate(4711).digest()}
    assert digests != {simulate(4712).digest()}


# Each sabotage is a mistake that somebody could make in good faith.

Patch = pytest.MonkeyPatch


def the_state_is_shown_before_it_is_stored(patch: Patch) -> None:
    async def stored(self: Any, group: Any) -> Any:
        before, now = self._head, max(self._head.time, self._clock())
        verdict = decide_group(self._decider, before, group, now)
        self._head = verdict.head
        if verdict.entries:
            await self._log.append(before.position, verdict.entries)
        return verdict

    patch.setattr(Store, "_stored", stored)


def whoever_asks_is_answered_before_it_is_stored(patch: Patch) -> None:
    stored = Store._stored

    async def early(self: Any, group: Any) -> Any:
        now = max(self._head.time, self._clock())
        await self._answer(decide_group(self._decider, self._head, group, now))
        return await stored(self, group)

    patch.setattr(Store, "_stored", early)


def a_lost_answer_is_taken_for_a_yes(patch: Patch) -> None:
    async def append(self: Any, entries: Sequence[Entry]) -> bool:
        try:
            await self._log.append(self._head.position, entries)
        except AnswerLost:
            pass
        return True

    patch.setattr(Store, "_append", append)


def a_lost_answer_is_taken_for_a_no(patch: Patch) -> None:
    async def append(self: Any, entries: Sequence[Entry]) -> bool:
        try:
            await self._log.append(self._head.position, entries)
        except AnswerLost:
            return False
        return True

    patch.setattr(Store, "_append", append)


def ids_are_not_remembered(patch: Patch) -> None:
    patch.setattr(Remembered, "get", lambda *name: None)


def ids_are_not_remembered_across_restarts(patch: Patch) -> None:
    load = snapshot.load_snapshot

    async def forgetful(*what: Any) -> Any:
        head = await load(*what)
        return head and replace(head, remembered=Remembered())

    patch.setattr(replay, "load_snapshot", forgetful)


def a_snapshot_forgets_what_is_pending(patch: Patch) -> None:
    load = snapshot.load_snapshot

    async def forgetful(*what: Any) -> Any:
        head = await load(*what)
        return head and replace(head, effects=Effects())

    patch.setattr(replay, "load_snapshot", forgetful)


def a_snapshot_of_other_code_is_used(patch: Patch) -> None:
    load = snapshot.load_snapshot

    async def careless(event_log: Any, rules: Any) -> Any:
        kept = event_log.disk.snapshot
        if kept is not None and kept.fingerprint != rules.fingerprint:
            older = [row for row in kept.rows if row[0] != "state.chat.rooms"]
            event_log.disk.snapshot = replace(kept, fingerprint=rules.fingerprint, rows=older)
        return await load(event_log, rules)

    patch.setattr(replay, "load_snapshot", careless)


def a_replay_asks_for_effects_anew(patch: Patch) -> None:
    def replayed(self: Any, head: Head[Any, Any], entry: Entry) -> Decision[Any, Any, Any]:
        if entry.event is None:
            return genuine(self, head, entry)
        happened = self.happened(entry, entry.event)
        env = Environment(entry.time, f"{self.epoch}/{entry.position}")
        state, asked = self.rules.reduce(head.state, happened.event, env)
        return self.entered(head, replace(entry, settles=None), state, asked, (happened,))

    genuine = Decider.replayed
    patch.setattr(Decider, "replayed", replayed)


def an_end_is_not_recorded(patch: Patch) -> None:
    settle = Changing.settle

    def forgetful(self: Any, origin: str) -> None:
        if not origin.endswith(".1"):
            settle(self, origin)

    patch.setattr(Changing, "settle", forgetful)


def what_has_ended_is_decided_again(patch: Patch) -> None:
    patch.setattr("app.runtime.decide.is_awaited", lambda pending, request: True)


def a_delay_counts_from_the_restart(patch: Patch) -> None:
    begin = Performer.begin

    def late(self: Any, origins: Any) -> None:
        for origin in origins:
            pending = self._store.pending(origin)
            if isinstance(getattr(pending, "effect", None), Delay):
                due = self._store.now() + round(pending.effect.seconds * 1_000_000)
                self._set_timer(due, origin)
            else:
                begin(self, [origin])

    patch.setattr(Performer, "begin", late)


def a_delay_is_forgotten_by_a_restart(patch: Patch) -> None:
    start = Performer.start

    def forgetful(self: Any, tasks: Any, origins: Any) -> None:
        kept = [o for o in origins if not isinstance(self._store.pending(o).effect, Delay)]
        start(self, tasks, kept)

    patch.setattr(Performer, "start", forgetful)


def a_cancel_is_ignored(patch: Patch) -> None:
    patch.setattr(Changing, "_cancel", lambda self, key: None)


def an_attempt_is_not_counted(patch: Patch) -> None:
    async def perform(self: Any, origin: str) -> None:
        try:
            await self._perform(origin, self._store.pending(origin))
        finally:
            del self._running[origin]
            self._go_on()

    patch.setattr(Performer, "_attempt", perform)


def a_stream_begins_at_its_beginning(patch: Patch) -> None:
    patch.setattr(performer, "Attempt", lambda origin, given=0: genuine(origin, 0))
    genuine = performer.Attempt


def a_dispatch_is_lost_when_the_disk_is_full(patch: Patch) -> None:
    def forget(self: Any, origin: str, answer: Any) -> None:
        self._in_flight -= 1
        self._go_on()

    patch.setattr(Performer, "_decided", forget)


def subscribers_read_what_nobody_was_told(patch: Patch) -> None:
    async def catch_up(self: Any) -> None:
        events, self._position = await self._read(self._position, 8)
        self._is_behind = self._position < self._broadcast.seq
        self._take(events)

    patch.setattr("app.runtime.broadcast.Subscription._catch_up", catch_up)


SABOTAGES: dict[Callable[[Patch], None], int] = {
    the_state_is_shown_before_it_is_stored: 50,
    whoever_asks_is_answered_before_it_is_stored: 50,
    a_lost_answer_is_taken_for_a_yes: 50,
    a_lost_answer_is_taken_for_a_no: 50,
    ids_are_not_remembered: 50,
    ids_are_not_remembered_across_restarts: 50,
    a_snapshot_forgets_what_is_pending: 50,
    a_snapshot_of_other_code_is_used: 50,
    a_replay_asks_for_effects_anew: 50,
    an_end_is_not_recorded: 50,
    what_has_ended_is_decided_again: 50,
    a_delay_counts_from_the_restart: 50,
    a_delay_is_forgotten_by_a_restart: 50,
    a_cancel_is_ignored: 50,
    an_attempt_is_not_counted: 50,
    a_stream_begins_at_its_beginning: 50,
    a_dispatch_is_lost_when_the_disk_is_full: 50,
    subscribers_read_what_nobody_was_told: 50,
}


@pytest.mark.parametrize("sabotage", SABOTAGES, ids=lambda sabotage: sabotage.__name__)
def test_every_sabotage_is_found(
    sabotage: Callable[[Patch], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    sabotage(monkeypatch)

    with pytest.raises(Violation):
        for seed in range(SABOTAGES[sabotage]):
            simulate(seed)
