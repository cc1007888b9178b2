"""The same, of time, and of what is tried again."""

from __future__ import annotations

from typing import Any

from app.runtime.clock import Clock
from app.runtime.retry import RetryPolicy
from tests.simulation.sabotage import Patch, Sabotages


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
    patch.setattr("tests.simulation.life.POLICY", RetryPolicy(attempts=99, first=0.4, longest=5))


OF_TIME: Sabotages = {
    time_waits_for_a_wall_clock_that_was_set_back: None,
    time_is_what_the_wall_clock_says: None,
    a_restart_does_not_go_on_from_the_time_of_the_log: None,
    a_wall_clock_that_was_set_forward_is_not_followed: None,
    an_alarm_trusts_that_the_clock_is_never_set: "orders",
    a_full_disk_is_tried_again_at_once: "orders",
    a_task_is_tried_for_ever: "notifications",
}
