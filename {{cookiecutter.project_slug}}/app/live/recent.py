"""The last events, each encoded once at most, for clients that were away for a moment."""

from collections import deque
from collections.abc import Iterator
from functools import cached_property
from itertools import takewhile

from app.domain import Event
from app.live.message import Message
from app.runtime.decision import Happened
from app.wire import codec


class Heard:
    """An event as clients hear it."""

    def __init__(self, happened: Happened[Event]) -> None:
        self.topic = happened.topic
        self.seq = happened.seq
        self._happened = happened

    @cached_property
    def message(self) -> Message:
        """The `event`, for whoever may hear it."""
        happened = self._happened
        message = codec.event_message(happened.json, happened.seq, happened.cause)
        return Message(message, happened.seq)


class Recent:
    """The last so many durable events, without a gap."""

    def __init__(self, most: int, seq: int) -> None:
        """`seq` is where the log stands before the first of them."""
        self._events: deque[tuple[int, Heard]] = deque()
        self._most = most
        self._complete_after = seq

    def add(self, seq: int, heard: Heard) -> None:
        """One more, at this position of the log."""
        self._events.append((seq, heard))
        if len(self._events) > self._most:
            self._complete_after, _ = self._events.popleft()

    def after(self, seq: int) -> list[Heard] | None:
        """Every event after the position, in order; None when some are no longer kept."""
        if seq < self._complete_after:
            return None
        return list(self._newer(seq))[::-1]

    def _newer(self, seq: int) -> Iterator[Heard]:
        return (heard for _, heard in takewhile(lambda kept: kept[0] > seq, reversed(self._events)))
