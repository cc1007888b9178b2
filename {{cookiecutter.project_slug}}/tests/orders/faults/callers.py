"""Callers that have one command after another done, each once, whatever happens meanwhile."""

from __future__ import annotations

import asyncio
from time import monotonic
from typing import Any

from app.client import CommandError, LiveClient, Timing, connect

QUICK = Timing(first_delay=0.1, longest_delay=1.0, drain_delay=0.5)
IN_FLIGHT = 200
ORDERS_OF_TEN = 1
LATE_SECONDS = 0.5  # what is late by more is not made up for

ITEM = {"product_id": "mug", "name": "Mug", "quantity": 1, "unit_price_cents": 900}
PLACE = {"PlaceOrder": {"customer_id": "ada", "items": [ITEM]}}
STOCK = {"AddStock": {"product_id": "tea", "quantity": 1}}


class Caller:
    """Gives commands to one node; one that is refused for a while is given again."""

    def __init__(self, name: str, url: str) -> None:
        self._name = name
        self._url = url
        self.acknowledged: dict[str, int] = {}
        """Where the log stood after each command, by its id."""
        self.refused = 0
        """How often the service said that it cannot, for now."""

    async def call(self, per_second: float, is_over: asyncio.Event) -> None:
        """Give so many a second until it is over; return when all of them are done."""
        room = asyncio.Semaphore(IN_FLIGHT)
        async with (
            connect(self._url, topics=[], timing=QUICK, tries=1) as client,
            asyncio.TaskGroup() as giving,
        ):
            begun, said = monotonic(), 0
            while not is_over.is_set():
                await room.acquire()
                command = PLACE if said % 10 < ORDERS_OF_TEN else STOCK
                giving.create_task(self._give(client, command, f"{self._name}-{said}", room))
                said += 1
                await asyncio.sleep(begun + said / per_second - monotonic())
                begun = max(begun, monotonic() - said / per_second - LATE_SECONDS)

    async def _give(
        self, client: LiveClient, command: Any, id: str, room: asyncio.Semaphore
    ) -> None:
        while id not in self.acknowledged:
            try:
                self.acknowledged[id] = (await client.send(command, id)).seq
            except CommandError as refusal:
                if refusal.code != "unavailable":
                    raise
                self.refused += 1
                await asyncio.sleep(QUICK.first_delay)
        room.release()
