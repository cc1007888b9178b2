"""The same, of several nodes on one log."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from app.runtime.clock import Clock
from app.runtime.commit import Commits
from app.runtime.event_log.port import Conflict, Entry
from app.runtime.lease import LEASE_SECONDS, RENEWALS, Lease
from app.runtime.nodes import Nodes
from tests.simulation.sabotage import Patch, Sabotages


def what_was_read_lately_seems_to_have_been_read_long_ago(patch: Patch) -> None:
    def not_before(self: Any, time: int) -> None:
        self._time = max(self._time, time)

    patch.setattr(Clock, "not_before", not_before)


def the_time_of_other_nodes_is_not_heard_of(patch: Patch) -> None:
    def not_before(self: Any, time: int) -> None:
        genuine(self, time)
        self.not_before = lambda time: None

    genuine = Clock.not_before
    patch.setattr(Clock, "not_before", not_before)


def a_lease_lasts_until_another_node_has_it(patch: Patch) -> None:
    patch.setattr(Lease, "is_held", property(lambda self: self._term is not None))


def every_node_performs_effects(patch: Patch) -> None:
    patch.setattr(Nodes, "has_turn", property(lambda self: True))


def a_lease_is_not_claimed_again_when_the_line_was_cut(patch: Patch) -> None:
    async def keep(self: Any) -> None:
        while self.is_reachable:
            await self._claim()
            await asyncio.sleep(LEASE_SECONDS / RENEWALS)

    patch.setattr(Lease, "keep", keep)


def nobody_catches_up_after_a_conflict(patch: Patch) -> None:
    async def catch_up(self: Any) -> None:
        await asyncio.sleep(0)

    patch.setattr(Commits, "catch_up", catch_up)


def a_conflict_is_taken_for_a_yes(patch: Patch) -> None:
    append = Commits._append

    async def careless(self: Any, entries: Sequence[Entry]) -> bool:
        with suppress(Conflict):
            return await append(self, entries)
        return True

    patch.setattr(Commits, "_append", careless)


def after_a_conflict_the_same_is_stored_a_little_later(patch: Patch) -> None:
    async def append(self: Any, entries: Sequence[Entry]) -> bool:
        try:
            return await genuine(self, entries)
        except Conflict:
            await self.catch_up()
            later = self.head.position + 1
            for number, entry in enumerate(entries):
                same = entry._replace(position=later + number, time=self._clock())
                await self._log.append(later + number - 1, [same])
            raise

    genuine = Commits._append
    patch.setattr(Commits, "_append", append)


def a_refusal_is_given_by_what_a_node_knows(patch: Patch) -> None:
    async def trust(self: Any) -> None:
        pass

    patch.setattr(Commits, "_require_current", trust)


def news_is_heard_only_of_the_last(patch: Patch) -> None:
    genuine = Nodes.take_stored
    patch.setattr(Nodes, "take_stored", lambda self: genuine(self)[-1:])


def whoever_takes_over_begins_nothing(patch: Patch) -> None:
    def begun(self: Any) -> None:
        self._has_begun = self._has_begun or self._log.disk.terms < 2
        self._wake()

    patch.setattr(Nodes, "_began", begun)


OF_NODES: Sabotages = {
    what_was_read_lately_seems_to_have_been_read_long_ago: None,
    the_time_of_other_nodes_is_not_heard_of: None,
    a_lease_lasts_until_another_node_has_it: "orders",
    every_node_performs_effects: "orders",
    a_lease_is_not_claimed_again_when_the_line_was_cut: "orders",
    nobody_catches_up_after_a_conflict: None,
    a_conflict_is_taken_for_a_yes: None,
    after_a_conflict_the_same_is_stored_a_little_later: None,
    a_refusal_is_given_by_what_a_node_knows: None,
    news_is_heard_only_of_the_last: None,
    whoever_takes_over_begins_nothing: "orders",
}
