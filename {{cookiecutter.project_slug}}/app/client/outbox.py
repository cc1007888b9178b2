"""Commands that wait for their answers."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

from .messages import Ack, Action, CommandError, message


class Outbox:
    """At most so many commands, in the order in which they were given."""

    def __init__(self, most: int) -> None:
        self._room = asyncio.Semaphore(most)
        self._waiting: dict[str, tuple[str, asyncio.Future[Ack]]] = {}
        self._closed: str | None = None

    def __len__(self) -> int:
        return len(self._waiting)

    def __contains__(self, id: object) -> bool:
        return id in self._waiting

    @property
    def texts(self) -> list[str]:
        """What is said of them on every new connection."""
        return [text for text, _ in self._waiting.values()]

    async def send(self, action: Action, id: str, say: Callable[[str], None]) -> Ack:
        """Have it said as soon as there is room, and wait for the answer."""
        async with self._room:
            if self._closed is not None:
                raise CommandError("offline", f"nothing was sent: {self._closed}", id)
            if id in self._waiting:
                raise ValueError(f"a command with the id {id} waits for its answer already")
            answer: asyncio.Future[Ack] = asyncio.get_running_loop().create_future()
            text = message("command", action=action, id=id)
            self._waiting[id] = text, answer
            say(text)
            try:
                return await answer
            finally:
                del self._waiting[id]

    def settle(self, told: Mapping[str, Any]) -> None:
        """An `ack` or an `error`, for one of them."""
        _, answer = self._waiting[told["id"]]
        if answer.done():  # its sender has been cancelled
            return
        if told["type"] == "ack":
            answer.set_result(Ack(told["id"], told["seq"], told.get("duplicate") or False))
        else:
            refusal = told["code"], told["message"], told["id"], told.get("retry_after")
            answer.set_exception(CommandError(*refusal))

    def close(self, why: str) -> None:
        """No answer will come, and nothing more is sent."""
        self._closed = why
        for name, (_, answer) in self._waiting.items():
            if not answer.done():
                answer.set_exception(CommandError("lost", f"no answer came: {why}", name))
