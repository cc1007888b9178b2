"""Who hears what: each event is encoded once and handed to every client that may hear it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from typing import Protocol

import structlog

from app.access.subscription import Audience
from app.domain import Event
from app.live.crowd import Crowd, Hearer
from app.live.crowds import Crowds
from app.live.message import Message, Outgoing, bundled
from app.live.recent import Heard, Recent
from app.observe.metrics import Metrics
from app.runtime.decision import Happened

log = structlog.get_logger(__name__)


class Watcher(Protocol):
    """Whoever wants to know which clients hear what; it must not raise."""

    def joined(self, audience: Audience) -> None:
        """A client hears from now on what this audience hears."""

    def left(self, audience: Audience) -> None:
        """A client hears no more of that."""


class Hub:
    """Every client that hears something, by what it hears."""

    def __init__(self, recent: Recent, metrics: Metrics, flush_seconds: float = 0.0) -> None:
        """What happens within `flush_seconds`, or one turn of the loop, goes out together.

        A sender's ack leaves with its event: a system call costs more than what it carries.
        """
        self.recent = recent
        self.watchers: list[Watcher] = []
        self._metrics = metrics
        self._flush_seconds = flush_seconds
        self._waiting: list[tuple[Sequence[Crowd], Message]] = []
        self._answers: dict[Hearer, list[Message]] = {}
        self._crowds = Crowds()

    def join(self, hearer: Hearer, audience: Audience) -> None:
        """From now on it hears what this audience hears."""
        self.flush()  # what has happened before is not for it
        if self._crowds.add(hearer, audience):
            for watcher in self.watchers:
                watcher.joined(audience)

    def leave(self, hearer: Hearer, audience: Audience) -> None:
        """It hears no more of that."""
        self.flush()
        if self._crowds.remove(hearer, audience):
            for watcher in self.watchers:
                watcher.left(audience)

    def is_named(self, topic: str) -> bool:
        """Whether somebody has named the topic: only then is it worth publishing to it."""
        return any(topic in audience.topics for audience in self._crowds if audience.topics)

    def broadcast(self, events: Sequence[Happened[Event]]) -> None:
        """Hand these events to whoever may hear them; never waits for anyone."""
        for happened in events:
            heard = Heard(happened)
            try:
                if heard.seq is not None:
                    self.recent.add(heard.seq, heard)
                self._tell(heard)
            except Exception:  # one event that cannot be told must not silence the others
                log.exception("an event was not told", event_type=type(happened.event).__name__)

    def answer(self, hearer: Hearer, message: Message) -> None:
        """Say something to one client alone, after what has happened before."""
        self._metrics.messages_out(message.type, 1, len(message))
        if self._waiting:
            self._answers.setdefault(hearer, []).append(message)
        else:
            _hand(hearer, [message])

    def flush(self) -> None:
        """Send what has waited for others to go with, and then what was answered meanwhile."""
        if not self._waiting:
            return
        waiting, self._waiting = self._waiting, []
        answers, self._answers = self._answers, {}
        for crowds, message in waiting:
            self._metrics.messages_out(message.type, sum(map(len, crowds)), len(message))
        pieces: dict[tuple[Message, ...], Sequence[Outgoing]] = {}
        for crowd, messages in _by_crowd(waiting):
            together = pieces.get(messages)
            if together is None:
                together = pieces[messages] = list(bundled(messages))
            senders = crowd.among(answers.keys())
            for hearer in senders:  # first: it is they who wait
                _hand(hearer, [*messages, *answers.pop(hearer)])
            crowd.tell(together, but=senders)
        for hearer, others in answers.items():
            _hand(hearer, others)

    def _tell(self, heard: Heard) -> None:
        crowds = self._crowds.hearing(heard.topic, ephemeral=heard.seq is None)
        if not any(crowds):
            return
        message = heard.message
        if not self._waiting:
            self._flush_later()
        self._waiting.append((crowds, message))

    def _flush_later(self) -> None:
        loop = asyncio.get_running_loop()
        if self._flush_seconds:
            loop.call_later(self._flush_seconds, self.flush)
        else:
            loop.call_soon(self.flush)


def _hand(hearer: Hearer, messages: Sequence[Message]) -> None:
    for piece in bundled(messages):
        hearer.count(piece.count, piece.size)
        hearer.connection.write(piece)


def _by_crowd(
    waiting: Sequence[tuple[Sequence[Crowd], Message]],
) -> Iterable[tuple[Crowd, tuple[Message, ...]]]:
    """What each crowd hears, in order; nobody is in two of them."""
    first, _ = waiting[0]
    if all(crowds is first for crowds, _ in waiting):  # of one topic, and so for the same crowds
        messages = tuple(message for _, message in waiting)
        return [(crowd, messages) for crowd in first]
    found: dict[int, tuple[Crowd, list[Message]]] = {}
    for crowds, message in waiting:
        for crowd in crowds:
            found.setdefault(id(crowd), (crowd, []))[1].append(message)
    return [(crowd, tuple(heard)) for crowd, heard in found.values()]
