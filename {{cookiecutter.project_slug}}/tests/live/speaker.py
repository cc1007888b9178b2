"""A caller that has one thing after another happen, and knows what became of each."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from itertools import count
from time import monotonic
from typing import Any

from app.client import LiveClient, Timing, connect
from tests.service import Service

SECONDS = 60
QUICK = Timing(first_delay=0.02, longest_delay=0.2, drain_delay=0.1)


class Speaker:
    """Gives commands, each with an id, until they are done: also by the service's next process."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._said = 0
        self._is_done = asyncio.Event()
        self.acknowledged: dict[int, Any] = {}
        """Each command that was done, by where the log stood after it."""

    @property
    def seq(self) -> int:
        """Where the log stands."""
        return max(self.acknowledged, default=0)

    @property
    def done(self) -> list[tuple[int, Any]]:
        """What was done, in order."""
        return sorted(self.acknowledged.items())

    async def speak(self, commands: Iterable[Any], per_second: float = 1e9) -> None:
        """Have them done, so many a second; return when all are."""
        async with (
            connect(self._service.url, topics=[], timing=QUICK) as client,
            asyncio.TaskGroup() as giving,
        ):
            begun = monotonic()
            for said, command in enumerate(commands, 1):
                self._said += 1
                giving.create_task(self._give(client, command, f"c-{self._said}"))
                await asyncio.sleep(begun + said / per_second - monotonic())

    async def count(self, number: int) -> None:
        """Return when so many commands are done."""
        async with asyncio.timeout(SECONDS):
            while len(self.acknowledged) < number:
                self._is_done.clear()
                await self._is_done.wait()

    async def _give(self, client: LiveClient, command: Any, id: str) -> None:
        ack = await client.send(command, id)
        self.acknowledged[ack.seq] = command
        self._is_done.set()


@asynccontextmanager
async def flowing(service: Service, per_second: float) -> AsyncIterator[Speaker]:
    """Events flow as long as the context lasts; at its end all of them have happened."""
    speaker, is_over = Speaker(service), False
    endless = iter(lambda: is_over, True)
    commands = ({"RevokeTokens": {"user_id": str(n)}} for _, n in zip(endless, count()))
    speaking = asyncio.create_task(speaker.speak(commands, per_second))
    try:
        yield speaker
        is_over = True
        await speaking
    finally:
        speaking.cancel()


def told(events: list[tuple[int, Any]]) -> list[tuple[int, Any]]:
    """Where each event stands, and whom it is about."""
    return [(seq, action["TokensRevoked"]["user_id"]) for seq, action in events]


def done(speaker: Speaker) -> list[tuple[int, Any]]:
    """Where each event has to stand, and whom it has to be about."""
    return [(seq, command["RevokeTokens"]["user_id"]) for seq, command in speaker.done]
