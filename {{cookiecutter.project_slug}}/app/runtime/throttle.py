"""Slows down what is ephemeral: the latest of a topic takes the place of those before it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Generic

from app.runtime.decision import Happened
from app.runtime.rules import Event


class Throttle(Generic[Event]):
    """Lets at most one event of a topic pass in its interval; the last one always comes."""

    def __init__(
        self, seconds: Mapping[str, float], tell: Callable[[Happened[Event]], None]
    ) -> None:
        """`seconds` is the interval of a topic, by its name without the part.

        `tell` is called with what did not pass at once, when the interval is over.
        """
        self._seconds = seconds
        self._tell = tell
        self._latest: dict[str, Happened[Event] | None] = {}

    def passes(self, happened: Happened[Event]) -> bool:
        """Whether it is to be told now; so shortly after another it waits, or is replaced."""
        topic = happened.topic
        if topic in self._latest:
            self._latest[topic] = happened
            return False
        seconds = self._seconds.get(topic.split(":", 1)[0], 0.0)
        if seconds:
            self._rest(topic, seconds)
        return True

    def _rest(self, topic: str, seconds: float) -> None:
        self._latest[topic] = None
        asyncio.get_running_loop().call_later(seconds, self._over, topic, seconds)

    def _over(self, topic: str, seconds: float) -> None:
        latest = self._latest.pop(topic)
        if latest is not None:
            self._rest(topic, seconds)
            self._tell(latest)
