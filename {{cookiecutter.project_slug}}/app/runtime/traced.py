"""Effects in traces: each below the command whose event asked for it, also after a restart.

The key of a decision, which its entries in the log have, ends with the place of its span. So what
an effect belongs to is found at the position where it was asked for.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any, Generic

from opentelemetry.context import Context, attach
from opentelemetry.trace import Span, set_span_in_context

from app.core.effects import Run, Stream
from app.core.rejected import Rejected
from app.observe.traces import MARK, Tracer, end, mark_of, parent_in
from app.runtime.attempts import Decides
from app.runtime.decision import Note, Request
from app.runtime.event_log.port import Entry, EventLog
from app.runtime.group import Outcome
from app.runtime.pending import Pending, Turn
from app.runtime.replay import patiently, read_commands
from app.runtime.rules import Command

KNOWN_KEYS = 10_000
AT_WORK = 1_000


class Traces:
    """Where the spans of effects belong, and the spans of those that are at work."""

    def __init__(self, tracer: Tracer, event_log: EventLog) -> None:
        self.tracer = tracer
        self._log = event_log
        self._keys: dict[int, str] = {}
        self._at_work: dict[str, tuple[Span, Context]] = {}

    async def replayed(self, origins: Iterable[str]) -> None:
        """Look up where these pending effects belong; of very many, where the first ones do."""
        positions = sorted({position_of(origin) for origin in origins})[:KNOWN_KEYS]
        for entries in (await patiently(partial(read_commands, self._log, positions))).values():
            self.stored(entries)

    def stored(self, entries: Sequence[Entry]) -> None:
        """Keep the keys of entries whose effects are about to begin."""
        for entry in entries:
            if entry.effects is not None and MARK in entry.command:
                self._keys[entry.position] = entry.command
                if len(self._keys) > KNOWN_KEYS:
                    del self._keys[next(iter(self._keys))]

    def around(self, store: Decides[Command]) -> Decides[Command]:
        """The Store as whoever performs effects finds it: what they ask of it is traced."""
        return TracedStore(store, self)

    def begin_attempt(self, origin: str, task: object) -> None:
        """An attempt at a task begins, in the asyncio task that calls this."""
        self.end_attempt(origin, "failed")
        parent = self.parent_of(origin)
        span = self.tracer.begin(type(task).__name__, parent, origin=origin)
        context = set_span_in_context(span, parent)
        self._at_work[origin] = span, context
        attach(context)  # for what the task calls; it ends with the task
        if len(self._at_work) > AT_WORK:
            self.end_attempt(next(iter(self._at_work)), "unknown")

    def end_attempt(self, origin: str, outcome: str) -> None:
        """It has ended, if there was one."""
        span, _ = self._at_work.pop(origin, (None, None))
        if span is not None:
            end(span, outcome)

    def parent_of(self, origin: str) -> Context:
        """What a span of this effect is below: its attempt, or who asked for it."""
        if origin in self._at_work:
            return self._at_work[origin][1]
        return parent_in(self._keys.get(position_of(origin), ""))


class TracedStore(Generic[Command]):
    """The same Store; what it is asked to decide for effects is traced."""

    def __init__(self, store: Decides[Command], traces: Traces) -> None:
        self._store = store
        self._traces = traces

    def now(self) -> int:
        """As the Store itself."""
        return self._store.now()

    def new_key(self) -> str:
        """As the Store itself."""
        return self._store.new_key()

    def pending(self, origin: str) -> Pending[Command] | None:
        """As the Store itself."""
        return self._store.pending(origin)

    def enqueue(self, request: Request[Command] | Note) -> asyncio.Future[Outcome[Any, Any]]:
        """As the Store itself, in a span."""
        if isinstance(request, Note):
            self._note(request)
            return self._store.enqueue(request)
        origin, traces = request.origin or "", self._traces
        if request.command is None:
            answer = self._store.enqueue(request)
        else:
            name, parent = type(request.command).__name__, traces.parent_of(origin)
            span = traces.tracer.begin(name, parent, origin=origin, cause=request.id)
            answer = self._store.enqueue(request._replace(key=request.key + mark_of(span, parent)))
            answer.add_done_callback(partial(_decided, span))
        if request.nth is None:
            answer.add_done_callback(lambda _: traces.end_attempt(origin, "ok"))
        return answer

    def _note(self, note: Note) -> None:
        if note.turn is not Turn.STARTED:
            self._traces.end_attempt(note.origin, "failed" if note.turn is Turn.DEAD else "stopped")
            return
        pending = self._store.pending(note.origin)
        if pending is not None and isinstance(pending.effect, Run | Stream):
            self._traces.begin_attempt(note.origin, pending.effect.task)


def position_of(origin: str) -> int:
    """The position of the event that asked for an effect."""
    return int(origin.partition(".")[0])


def _decided(span: Span, answer: asyncio.Future[Outcome[Any, Any]]) -> None:
    fault = None if answer.cancelled() else answer.exception()
    if answer.cancelled() or fault is not None:
        end(span, fault.code if isinstance(fault, Rejected) else "failed")
    else:
        events = answer.result().events
        end(span, "ok", [(type(each.event).__name__, each.seq) for each in events])
