"""The Store on simulated disks: hundreds of crashes pass, and every sabotage is found."""

import os
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from app.core.effects import Delay
from app.core.environment import Environment
from app.core.ports import Attempt
from app.runtime import replay, snapshot
from app.runtime.attempts import Attempts
from app.runtime.clock import Clock
from app.runtime.commit import Commits
from app.runtime.decide import Decider
from app.runtime.effects import Performer
from app.runtime.event_log.port import AnswerLost, Entry
from app.runtime.group import decide_group
from app.runtime.head import Head
from app.runtime.pending import Changing, Effects
from app.runtime.remembered import Remembered
from app.runtime.retry import RetryPolicy
from app.runtime.snapshot import Snapshots
from tests.simulation.features import FEATURES
from tests.simulation.schedule import simulate
from tests.simulation.violation import Violation

ROOT = Path(__file__).parents[2]
SCHEDULES = 200
SCHEDULES_FOR_A_SABOTAGE = 400
# Failures that every run of so many schedules comes upon.
MET = {
    "broken after",
    "broken before",
    "clock set back",
    "clock set forward",
    "conflict",
    "crashed",
    "duplicate",
    "ended by its disk",
    "full",
    "id forgotten",
    "id reused",
    "impatience",
    "lost after",
    "lost before",
    "paused",
    "refused",
    "snapshot of other code",
    "snapshot used",
    "stopped",
    "unavailable",
}


def simulate_many(schedules: int) -> Counter[str]:
    """What was met in so many schedules; raises Violation."""
    return sum((simulate(seed).met for seed in range(schedules)), Counter())


def test_hundreds_of_schedules_pass_and_meet_every_failure() -> None:
    met = simulate_many(SCHEDULES)

    assert set(met) >= MET


@pytest.mark.slow
def test_the_same_seed_gives_the_same_run_in_any_process() -> None:
    seeds = range(4703, 4718)  # in some of them Delays wait while the service starts again
    program = (
        "from tests.simulation.schedule import simulate\n"
        f"print(*(simulate(seed).digest() for seed in {seeds!r}))"
    )

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

    assert digests == {" ".join(simulate(seed).digest() for seed in seeds)}
    assert digests != {simulate(4712).digest()}


# Each sabotage is a mistake that somebody could make in good faith.

Patch = pytest.MonkeyPatch


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
        return head and Head(head.position, head.time, head.state, Effects(), head.remembered)

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


def subscribers_read_what_nobody_was_told(patch: Patch) -> None:
    async def catch_up(self: Any) -> None:
        events, self._position = await self._read(self._position, 8)
        self._is_behind = self._position < self._broadcast.seq
        self._take(events)

    patch.setattr("app.runtime.broadcast.Subscription._catch_up", catch_up)


def time_waits_for_a_wall_clock_that_was_set_back(patch: Patch) -> None:
    patch.setattr(Clock, "__call__", lambda self: self._wall())


def time_is_what_the_wall_clock_says(patch: Patch) -> None:
    time_waits_for_a_wall_clock_that_was_set_back(patch)
    patch.setattr("app.runtime.commit.max", lambda least, other: other, raising=False)


def a_restart_does_not_go_on_from_the_time_of_the_log(patch: Patch) -> None:
    patch.setattr(Clock, "not_before", lambda self, time: None)


def a_wall_clock_that_was_set_forward_is_not_followed(patch: Patch) -> None:
    def steady(self: Any) -> int:
        wall, self._wall = self._wall, lambda: 0
        try:
            return genuine(self)
        finally:
            self._wall = wall

    genuine = Clock.__call__
    patch.setattr(Clock, "__call__", steady)


def an_alarm_trusts_that_the_clock_is_never_set(patch: Patch) -> None:
    patch.setattr("app.runtime.timers.LONGEST_SLEEP_SECONDS", float("inf"))


def a_full_disk_is_tried_again_at_once(patch: Patch) -> None:
    patch.setattr("app.runtime.effects.AGAIN_SECONDS", 0.5)


def a_task_is_tried_for_ever(patch: Patch) -> None:
    patch.setattr("tests.simulation.life.POLICY", RetryPolicy(attempts=99, first=0.2, longest=5))


# With the feature that must be there for it to do harm.
SABOTAGES: dict[Callable[[Patch], None], str | None] = {
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
    time_waits_for_a_wall_clock_that_was_set_back: None,
    time_is_what_the_wall_clock_says: None,
    a_restart_does_not_go_on_from_the_time_of_the_log: None,
    a_wall_clock_that_was_set_forward_is_not_followed: None,
    an_alarm_trusts_that_the_clock_is_never_set: "orders",
    a_full_disk_is_tried_again_at_once: "orders",
    a_task_is_tried_for_ever: "notifications",
}
NAMES = {None, *(feature.name for feature in FEATURES)}
HARMFUL = [sabotage for sabotage, feature in SABOTAGES.items() if feature in NAMES]


@pytest.mark.parametrize("sabotage", HARMFUL, ids=lambda sabotage: sabotage.__name__)
def test_every_sabotage_is_found(
    sabotage: Callable[[Patch], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    sabotage(monkeypatch)

    with pytest.raises(Violation) as found:
        simulate_many(SCHEDULES_FOR_A_SABOTAGE)

    mistakes_of_this_test = TypeError, AttributeError, NameError
    assert not isinstance(found.value.__cause__, mistakes_of_this_test), found.value
