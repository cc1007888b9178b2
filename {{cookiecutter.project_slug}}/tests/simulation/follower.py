"""A client that hears everything, and is away now and then: it misses nothing, nothing twice."""

from __future__ import annotations

import asyncio
from typing import cast

import orjson

from app.domain import Command, Event, State
from app.domain.policy import may_hear
from app.live.hearing import Hearing
from app.live.hub import Hub
from app.live.message import Message, Outgoing
from app.live.past import Past
from app.live.port import HIGH_WATER_BYTES, Connection
from app.live.recent import Recent
from app.observe.connections import Tally
from app.observe.metrics import Metrics
from app.runtime.store import Store
from app.wire.protocol import Subscribe
from tests.simulation.errands import PRINCIPALS
from tests.simulation.violation import require
from tests.simulation.world import World

OPERATOR = PRINCIPALS[-1]
RECENT = 4
CAUGHT_UP = Message(b'{"type":"ack"}')
METRICS = Metrics()


class Follower:
    """Follows from the first event on; it is its own connection."""

    def __init__(self, store: Store[State, Command, Event], world: World) -> None:
        self.buffered = 0
        self._store = store
        self._world = world
        self._chance = world.chance
        self._past = Past(store)
        self._hub = Hub(Recent(RECENT, store.seq), METRICS)
        self._position = 0
        self._is_cut_off = False
        self._is_told = asyncio.Event()
        store.listeners.append(self._hub.broadcast)

    async def follow(self) -> None:
        """Come, hear what was missed and some of what happens then, and go; until the end."""
        is_over = False
        while not is_over:
            has_ended = self._store.has_ended
            await self._stay()
            is_over = has_ended and not self._is_cut_off
            await asyncio.sleep(self._chance.expovariate(1))
        missed = range(1, self._store.seq + 1)
        require(self._next_event() not in missed, "the last events are not heard")

    async def _stay(self) -> None:
        self._is_cut_off = False
        self._is_told.clear()
        connection, tally = cast(Connection, self), Tally(METRICS)
        self._hearing = hearing = Hearing(
            connection, self._store, self._past, self._hub, tally, resume_events=1_000_000
        )
        since, epoch = self._position, self._store.epoch
        hearing.listen(OPERATOR, Subscribe(type="subscribe", since=since, epoch=epoch))
        hearing.answer(CAUGHT_UP)
        await self._is_told.wait()
        if not self._store.has_ended:
            await asyncio.sleep(self._chance.choice((0, 0.5, 5)))
        hearing.stop()

    # What is asked of a connection

    def write(self, message: Outgoing) -> None:
        """Hear it; now and then, take nothing more for a moment."""
        for part in message.parts:
            self._hear(part)
        if self._chance.random() < 0.05 and not self.buffered:
            self.buffered = HIGH_WATER_BYTES + 1
            later = self._chance.expovariate(1)
            asyncio.get_running_loop().call_later(later, self._has_room)

    def close(self, code: int, reason: str) -> None:
        """What was missed cannot be read: come back later."""
        self._is_cut_off = True
        self._is_told.set()

    def _has_room(self) -> None:
        self.buffered = 0
        self._hearing.writable()

    def _hear(self, message: Message) -> None:
        match message.type:
            case "ack":
                self._is_told.set()
            case "subscribed":
                require(orjson.loads(message.json)["recovered"], "what was missed is not told")
            case "event" if message.seq is not None:
                wanted = self._next_event()
                require(message.seq == wanted, f"heard {message.seq} in place of {wanted}")
                require(wanted <= self._store.seq, f"{wanted} is heard before it is seen")
                event = self._world.disk.entries[wanted - 1].event
                is_same = event is not None and event.encode() in message.json
                require(is_same, f"heard another event at {wanted}")
                self._position = wanted

    def _next_event(self) -> int:
        """The position of the next event that it may hear, or 0."""
        rules, entries = self._world.rules, self._world.disk.entries
        for place in range(self._position, len(entries)):
            event = entries[place].event
            if event is not None and may_hear(OPERATOR, rules.topic_of(rules.decode_event(event))):
                return entries[place].position
        return 0
