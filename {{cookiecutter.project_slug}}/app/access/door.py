"""The one way by which a client's command reaches the Store; HTTP and WebSocket each have one."""

from __future__ import annotations

import asyncio
import logging
from functools import partial
from time import perf_counter
from typing import Annotated, NamedTuple, Protocol

import structlog
from fastapi import Depends
from opentelemetry.trace import Span
from starlette.requests import HTTPConnection

from app.access.address import address_of
from app.access.limits import Limits
from app.access.principal import Sender
from app.access.store import AppStore, Outcome, Then
from app.core.principal import Principal
from app.core.rejected import Code, Rejected
from app.domain import Command
from app.observe.traces import Tracer, end, mark_of

# Every command has its line, as in an access log; these are for whoever is on duty, too.
LEVELS: dict[str, int] = {Code.INTERNAL: logging.ERROR, Code.UNAVAILABLE: logging.WARNING}

log = structlog.get_logger(__name__)


class Observer(Protocol):
    """Hears of every command, once, when it has its answer."""

    def command(self, name: str, door: str, outcome: str, seconds: float) -> None:
        """`outcome` is `ok`, `duplicate`, `cancelled` (its sender has left), or a code."""


class Door:
    """Counts a command against its sender's limits, hands it to the Store, and sees it answered."""

    def __init__(
        self,
        name: str,
        store: AppStore,
        limits: Limits,
        observer: Observer,
        tracer: Tracer | None = None,
    ) -> None:
        self.name = name
        self.store = store
        self._limits = limits
        self._observer = observer
        self._tracer = tracer

    def admit(self, by: Principal, address: str) -> None:
        """Raise Rejected unless the sender may do one more thing now."""
        self._limits.command(by, address)

    def submit(
        self,
        command: Command,
        *,
        by: Principal,
        address: str,
        id: str | None = None,
        then: Then | None = None,
    ) -> asyncio.Future[Outcome]:
        """Queue the command behind all that came before it; the future may raise Rejected.

        `then` is called with it as soon as it is answered. What comes too fast does not reach the
        Store.
        """
        began, span, mark = perf_counter(), None, ""
        if self._tracer is not None:
            span = self._tracer.begin(type(command).__name__, door=self.name, id=id)
            mark = mark_of(span)
        try:
            self.admit(by, address)
            answer = self.store.submit(command, by=by, id=id, mark=mark, then=then)
        except Rejected as refusal:
            answer = _refused(refusal)
            if then is not None:
                then(answer)
        answer.add_done_callback(partial(self._done, command, by, id, began, span))
        return answer

    def _done(
        self,
        command: Command,
        by: Principal,
        id: str | None,
        began: float,
        span: Span | None,
        answer: asyncio.Future[Outcome],
    ) -> None:
        """The command has its answer: the one place that tells of it."""
        seconds = perf_counter() - began
        name, outcome = type(command).__name__, outcome_of(answer)
        self._observer.command(name, self.name, outcome, seconds)
        if span is not None:
            end(span, outcome, events_of(answer))
        log.log(
            LEVELS.get(outcome, logging.INFO),
            "command",
            name=name,
            door=self.name,
            by=by.name,
            role=by.role,
            id=id,
            outcome=outcome,
            seq=answer.result().seq if outcome in ("ok", "duplicate") else None,
            ms=round(seconds * 1000, 3),
        )


class HttpDoor(NamedTuple):
    """The door as a route finds it: it knows who asks, and from where."""

    door: Door
    sender: Principal
    address: str

    @property
    def epoch(self) -> str:
        """The name of the log's positions."""
        return self.door.store.epoch

    def admit(self) -> None:
        """Raise Rejected unless the sender may do one more thing now that is no command."""
        self.door.admit(self.sender, self.address)

    async def dispatch(self, command: Command, *, id: str | None = None) -> Outcome:
        """Decide the command and give its own events, durable and applied; or raise Rejected."""
        return await self.door.submit(command, by=self.sender, address=self.address, id=id)


async def door(connection: HTTPConnection, sender: Sender) -> HttpDoor:
    """The door of the application that serves this request."""
    return HttpDoor(connection.app.state.door, sender, address_of(connection))


TheDoor = Annotated[HttpDoor, Depends(door)]


def outcome_of(answer: asyncio.Future[Outcome]) -> str:
    """What became of a command, in a word."""
    if answer.cancelled():
        return "cancelled"
    match answer.exception():
        case None:
            return "duplicate" if answer.result().duplicate else "ok"
        case Rejected(code=code):
            return code
        case _:
            return Code.INTERNAL


def events_of(answer: asyncio.Future[Outcome]) -> list[tuple[str, int | None]]:
    """The events that a command led to, by name, with their positions."""
    if answer.cancelled() or answer.exception() is not None:
        return []
    return [(type(each.event).__name__, each.seq) for each in answer.result().events]


def _refused(refusal: Rejected) -> asyncio.Future[Outcome]:
    answer: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
    answer.set_exception(refusal.with_traceback(None))
    answer.exception()  # seen: a sender who has gone is no `never retrieved`
    return answer
