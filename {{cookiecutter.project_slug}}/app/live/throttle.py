"""Slows down what is ephemeral: the latest of a topic takes the place of those before it."""

import asyncio
from collections.abc import Callable, Mapping

from app.live.recent import Heard


class Throttle:
    """Tells at most one event of a topic in its interval; the last one is always told."""

    def __init__(self, seconds: Mapping[str, float], tell: Callable[[Heard], None]) -> None:
        """`seconds` is the interval of a topic, by its name without the part."""
        self._seconds = seconds
        self._tell = tell
        self._latest: dict[str, Heard | None] = {}

    def take(self, heard: Heard) -> None:
        """Tell it now, or, so shortly after another, when the interval is over."""
        if heard.topic in self._latest:
            self._latest[heard.topic] = heard
            return
        seconds = self._seconds.get(heard.topic.split(":", 1)[0], 0.0)
        if seconds:
            self._rest(heard.topic, seconds)
        self._tell(heard)

    def _rest(self, topic: str, seconds: float) -> None:
        self._latest[topic] = None
        asyncio.get_running_loop().call_later(seconds, self._over, topic, seconds)

    def _over(self, topic: str, seconds: float) -> None:
        latest = self._latest.pop(topic)
        if latest is not None:
            self._rest(topic, seconds)
            self._tell(latest)
