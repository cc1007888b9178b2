"""Who lives with a Store, besides its clients: who hears it, who looks after it, who waits."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from app.core.rejected import Rejected
from app.domain import Command, Event, State
from app.runtime.decision import Happened
from app.runtime.store import Store
from tests.simulation.errands import PRINCIPALS
from tests.simulation.violation import require
from tests.simulation.world import World

ENOUGH_SECONDS = 2 * 3600
OPERATOR = PRINCIPALS[-1]


class Company:
    """Those whom one life of the service has."""

    def __init__(self, store: Store[State, Command, Event], world: World) -> None:
        self.store = store
        self.world = world
        self.disk = world.disk
        self.chance = world.chance
        self._heard = store.seq
        self._followed = 0

    def hear(self, events: Sequence[Happened[Event]]) -> None:
        """Every stored event is heard once and in order, and found in the State and on the disk."""
        for happened in events:
            if happened.seq is None:
                continue
            wanted = self._next_event(self._heard)
            require(happened.seq == wanted, f"{happened.seq} is heard in place of {wanted}")
            require(happened.seq <= self.store.seq, f"{happened.seq} is heard before it is seen")
            self._heard = happened.seq

    async def follow(self) -> None:
        """Hear every event since the beginning, once and in order, fast or slowly."""
        while True:
            try:
                await self._follow()
            except Rejected:  # the log cannot be reached
                await asyncio.sleep(1)
            else:
                break
        missed = range(1, self.store.seq + 1)
        require(self._next_event(self._followed) not in missed, "the last events are not heard")

    async def _follow(self) -> None:
        async with self.store.subscribe(after=self._followed) as events:
            async for happened in events:
                if happened.seq is None:
                    continue
                position = self._next_event(self._followed)
                require(happened.seq == position, f"heard {happened.seq} in place of {position}")
                require(position <= self.store.seq, f"{position} is heard before it is seen")
                entry = self.disk.entries[position - 1]
                require(happened.json == entry.event, f"heard another event at {position}")
                self._followed = position
                if self.chance.random() < 0.05:
                    await asyncio.sleep(self.chance.expovariate(1))

    def _next_event(self, position: int) -> int:
        """The position of the first event after this one, or 0."""
        entries = self.disk.entries
        for place in range(position, len(entries)):
            if entries[place].event is not None:
                return entries[place].position
        return 0

    async def operate(self, may_discard: bool) -> None:
        """Look after what failed for good, and look at the State."""
        store, chance, met = self.store, self.chance, self.world.met
        while True:
            await asyncio.sleep(chance.uniform(0.5, 6))
            self._look()
            for origin, _ in store.dead_letters():
                discards = may_discard and chance.random() < 0.2
                try:
                    await (store.discard if discards else store.retry)(origin, by=OPERATOR)
                except Rejected:
                    met["not retried"] += 1
                else:
                    met["discarded" if discards else "retried"] += 1

    def _look(self) -> None:
        """The State is on the disk, and one node performs the effects, as soon as it can."""
        ledger, performing = self.world.ledger, self.world.performing()
        require(self.store.seq <= len(self.disk.entries), "the State is ahead of the log")
        require(performing <= 1, f"{performing} nodes perform effects")
        is_due = ledger.is_calm and self.world.steady.now > ledger.excused and self.store.is_open
        require(performing or not is_due, "no node performs effects")

    async def settle(self) -> None:
        """Wait until every client has an answer and every effect has ended, whenever it is due."""
        now = asyncio.get_running_loop().time
        deadline = now() + ENOUGH_SECONDS
        while not self._is_settled():
            left = ", ".join(self.store.head.effects.pending)
            words = f"it is at {self.store.seq} of {len(self.disk.entries)}, with {left} to end"
            require(now() < deadline, words)
            await asyncio.sleep(3)

    def _is_settled(self) -> bool:
        is_at_end = self.store.seq == len(self.disk.entries)
        is_idle = not self.store.head.effects.pending and self.world.clients.are_done()
        return self.world.ledger.is_calm and is_at_end and is_idle
