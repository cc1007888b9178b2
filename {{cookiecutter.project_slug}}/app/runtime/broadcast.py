"""Tells everybody who listens what has happened, once it is stored and applied."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Generic, TypeAlias

import structlog

from app.runtime.decision import Happened
from app.runtime.rules import Event
from app.runtime.throttle import Throttle

log = structlog.get_logger(__name__)

Listener: TypeAlias = Callable[[Sequence[Happened[Event]]], None]


class Broadcast(Generic[Event]):
    """Listeners are called at once and must not wait."""

    def __init__(self, intervals: Mapping[str, float]) -> None:
        """`intervals` are how long ephemeral topics rest between two events, in seconds."""
        self.listeners: list[Listener[Event]] = []
        self._throttle = Throttle[Event](intervals, lambda happened: self._tell([happened]))

    def tell(self, events: Sequence[Happened[Event]]) -> None:
        """These events have happened."""
        self._tell([each for each in events if each.seq is not None or self._throttle.passes(each)])

    def _tell(self, events: Sequence[Happened[Event]]) -> None:
        if not events:
            return
        for listener in self.listeners:
            try:
                listener(events)
            except Exception:  # whoever listens must not stop whoever writes
                names = sorted({type(each.event).__name__ for each in events})
                log.exception("a listener failed", events=names)
