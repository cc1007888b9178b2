"""Who lives with a Store, besides its clients: who hears it, who looks after it, who waits."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from app.core.rejected import Rejected
from app.domain import Command, Event, State
from app.runtime.decision import Happened
from app.runtime.store import Store
from tests.simulation.disk import Disk
from tests.simulation.errands import PRINCIPALS, Clients
from tests.simulation.violation import require

ENOUGH_SECONDS = 2 * 3600
OPERATOR = PRINCIPALS[-1]


@dataclass(slots=True)
class Company:
    """Those whom one life of the service has."""

    store: Store[State, Command, Event]
    disk: Disk
    chance: Random
    met: Counter[str]

    def hear(self, events: Sequence[Happened[Event]]) -> None:
        """Find what is heard in the State and on the disk."""
        for happened in events:
            seq = happened.seq or 0
            require(seq <= self.store.seq, f"{seq} is heard before it is seen")
            require(seq <= len(self.disk.entries), f"{seq} is heard before it is stored")

    async def follow(self) -> None:
        """Hear every event since the beginning, once and in order, fast or slowly."""
        position = 0
        async with self.store.subscribe(after=0) as events:
            async for happened in events:
                position = self._next_event(position)
                require(happened.seq == position, f"heard {happened.seq} in place of {position}")
                require(position <= self.store.seq, f"{position} is heard before it is seen")
                entry = self.disk.entries[position - 1]
                require(happened.json == entry.event, f"heard another event at {position}")
                if self.chance.random() < 0.05:
                    await asyncio.sleep(self.chance.expovariate(1))
        missed = range(1, self.store.seq + 1)
        require(self._next_event(position) not in missed, "the last events are not heard")

    def _next_event(self, position: int) -> int:
        """The position of the first event after this one, or 0."""
        for entry in self.disk.entries[position:]:
            if entry.event is not None:
                return entry.position
        return 0

    async def operate(self, may_discard: bool) -> None:
        """Look after what failed for good, and look at the State."""
        store, chance = self.store, self.chance
        while True:
            await asyncio.sleep(chance.uniform(0.5, 6))
            require(store.seq <= len(self.disk.entries), "the State is ahead of the log")
            for origin, _ in store.dead_letters():
                discards = may_discard and chance.random() < 0.2
                try:
                    await (store.discard if discards else store.retry)(origin, by=OPERATOR)
                except Rejected:
                    self.met["not retried"] += 1
                else:
                    self.met["discarded" if discards else "retried"] += 1

    async def settle(self, clients: Clients) -> None:
        """Wait until every client has an answer and every effect has ended, whenever it is due."""
        now = asyncio.get_running_loop().time
        deadline = now() + ENOUGH_SECONDS
        while self.store.head.effects.pending or not clients.are_done():
            left = ", ".join(self.store.head.effects.pending)
            require(now() < deadline, f"these effects do not end: {left}")
            await asyncio.sleep(3)
