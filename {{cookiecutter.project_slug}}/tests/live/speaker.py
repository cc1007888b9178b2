"""A client that has one thing after another happen, and knows what became of each."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable
from contextlib import suppress
from time import monotonic
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from tests.service import Service

SECONDS = 60


class Speaker:
    """Sends commands, each with an id; those without an ack it can send again."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._said = 0
        self._waiting: dict[str, object] = {}
        self._is_answered = asyncio.Event()
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

    async def speak(self, commands: Iterable[object], per_second: float = 1e9) -> None:
        """Have them done, so many a second; return when all have their acks, or it is sent away."""
        numbered = ((self._number(), command) for command in commands)
        await self._speak(numbered, per_second)

    async def repeat(self) -> None:
        """Send again what has no ack, under the same ids: what was done is not done twice."""
        await self._speak(list(self._waiting.items()), 1e9)

    async def count(self, number: int) -> None:
        """Return when so many commands are done."""
        async with asyncio.timeout(SECONDS):
            while len(self.acknowledged) < number:
                self._is_answered.clear()
                await self._is_answered.wait()

    def _number(self) -> str:
        self._said += 1
        return f"c-{self._said}"

    async def _speak(self, commands: Iterable[tuple[str, object]], per_second: float) -> None:
        async with connect(f"{self._service.ws}/ws") as socket:
            hearing = asyncio.create_task(self._hear(socket))
            begun, said = monotonic(), 0
            with suppress(ConnectionClosed):
                for name, command in commands:
                    self._waiting[name] = command
                    message = {"type": "command", "action": command, "id": name}
                    await socket.send(json.dumps(message))
                    said += 1
                    await asyncio.sleep(begun + said / per_second - monotonic())
                while self._waiting and not hearing.done():
                    self._is_answered.clear()
                    waiting = asyncio.create_task(self._is_answered.wait())
                    await asyncio.wait(
                        [hearing, waiting], timeout=SECONDS, return_when=asyncio.FIRST_COMPLETED
                    )
                    waiting.cancel()
            hearing.cancel()
            await asyncio.wait([hearing])

    async def _hear(self, socket: ClientConnection) -> None:
        with suppress(ConnectionClosed):
            async for text in socket:
                message = json.loads(text)
                if message["type"] == "ack":
                    self.acknowledged[message["seq"]] = self._waiting.pop(message["id"])
                    self._is_answered.set()


def told(events: list[tuple[int, Any]]) -> list[tuple[int, Any]]:
    """Where each event stands, and whom it is about."""
    return [(seq, action["TokensRevoked"]["user_id"]) for seq, action in events]


def done(speaker: Speaker) -> list[tuple[int, Any]]:
    """Where each event has to stand, and whom it has to be about."""
    return [(seq, command["RevokeTokens"]["user_id"]) for seq, command in speaker.done]
