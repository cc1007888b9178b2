"""Decides the commands that wait together, each on the State that its predecessors leave."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Generic, NamedTuple, TypeAlias

import structlog

from app.core.rejected import Code, Rejected
from app.runtime.decide import Decider
from app.runtime.decision import Decision, Happened, Note, Request, written
from app.runtime.event_log.port import Entry
from app.runtime.head import Head
from app.runtime.pending import Turn
from app.runtime.rules import Command, Event, State

MISTAKE = Rejected(Code.INTERNAL, "the service made a mistake")

log = structlog.get_logger(__name__)


class Outcome(NamedTuple, Generic[State, Event]):
    """What a command led to: its events, the log's position after it, and the State it left.

    A `duplicate` was decided when it was first sent: these are its events and its position then,
    and the State is the one of now.
    """

    events: Sequence[Happened[Event]]
    seq: int
    state: State
    duplicate: bool = False


Then: TypeAlias = Callable[[asyncio.Future[Outcome[State, Event]]], None]


class Waiting(NamedTuple, Generic[State, Command, Event]):
    """A request or a note that waits for its commit, and the future that its sender looks at.

    `then` is called with the future at once, and not in the loop's next turn.
    """

    request: Request[Command] | Note
    answer: asyncio.Future[Outcome[State, Event]]
    then: Then[State, Event] | None = None

    def accept(self, outcome: Outcome[State, Event]) -> None:
        """Tell the sender what the command led to."""
        if not self.answer.done():
            self.answer.set_result(outcome)
            self._tell()

    def refuse(self, refusal: Rejected) -> None:
        """Tell the sender why the command led to nothing."""
        if not self.answer.done():
            # One refusal may go to many, and each of them raises it: see `anew`.
            self.answer.set_exception(refusal.with_traceback(None).anew())
            self.answer.exception()  # seen: a sender who has gone is no `never retrieved`
            self._tell()

    def _tell(self) -> None:
        if self.then is not None:
            try:
                self.then(self.answer)
            except Exception:  # whoever hears of an answer must not stop whoever gives it
                log.exception("an answer was not heard")


Accepted = tuple[Waiting[State, Command, Event], Decision[State, Command, Event]]


@dataclass(slots=True)
class Verdict(Generic[State, Command, Event]):
    """What a group leads to. Nothing of it is true, refusals included, before it is stored."""

    head: Head[State, Command]
    entries: list[Entry] = field(default_factory=list)
    events: list[Happened[Event]] = field(default_factory=list)
    begun: list[str] = field(default_factory=list)
    cancelled: list[str] = field(default_factory=list)
    accepted: list[Accepted[State, Command, Event]] = field(default_factory=list)
    refused: list[tuple[Waiting[State, Command, Event], Rejected]] = field(default_factory=list)

    def add(self, decision: Decision[State, Command, Event]) -> None:
        """Go on from where a decision leads."""
        self.head = decision.head
        self.entries.extend(decision.entries)
        self.events.extend(decision.events)
        self.begun.extend(decision.begun)
        self.cancelled.extend(decision.cancelled)


def decide_group(
    decider: Decider[State, Command, Event],
    head: Head[State, Command],
    group: Sequence[Waiting[State, Command, Event]],
    now: int,
) -> Verdict[State, Command, Event]:
    """What these commands lead to, one after another; a faulty rule costs its own command only."""
    verdict: Verdict[State, Command, Event] = Verdict(head)
    for waiting in group:
        try:
            _decide(decider, verdict, waiting, now)
        except Exception as fault:  # whatever a rule may raise, or whoever writes down what it said
            request = waiting.request
            name = type(getattr(request, "command", request)).__name__
            log.exception("a rule failed", command=name)
            _bury(decider, verdict, request, now, fault)
            verdict.refused.append((waiting, MISTAKE))
    return verdict


def _decide(
    decider: Decider[State, Command, Event],
    verdict: Verdict[State, Command, Event],
    waiting: Waiting[State, Command, Event],
    now: int,
) -> None:
    request = waiting.request
    try:
        if isinstance(request, Note):
            decision = decider.noted(verdict.head, request, now)
        else:
            decision = decider.decided(verdict.head, request, now)
    except Rejected as refusal:
        if isinstance(request, Request):
            verdict.add(decider.refused(verdict.head, request, now, refusal))
            _warn_of_policy(request, refusal)
        verdict.refused.append((waiting, refusal))
    else:
        verdict.add(decision)
        verdict.accepted.append((waiting, decision))


def _warn_of_policy(request: Request[Command], refusal: Rejected) -> None:
    """A command of the service's own that nobody allows is a row that was forgotten."""
    if request.origin is not None and refusal.code is Code.FORBIDDEN:
        log.warning("the policy denies what an effect asked for", problem=refusal.message)


def _bury(
    decider: Decider[State, Command, Event],
    verdict: Verdict[State, Command, Event],
    request: Request[Command] | Note,
    now: int,
    fault: Exception,
) -> None:
    if (note := burial(request, words_of(fault))) is not None:
        verdict.add(decider.noted(verdict.head, note, now))


def burial(request: Request[Command] | Note, words: str) -> Note | None:
    """What makes a dead letter of the effect whose command this is, if one has asked for it.

    For a command that cannot be decided, or not be stored: no retry would help.
    """
    if isinstance(request, Note) or request.origin is None:
        return None
    return Note(request.origin, Turn.DEAD, request.by, request.key, words)


def words_of(fault: BaseException) -> str:
    """A fault in one line, for people and for the log, whatever it has to say.

    A refusal speaks for itself; of all else the kind is told, too.
    """
    try:
        words = str(fault)
    except Exception:  # a fault that cannot even say what it is
        words = "no words"
    if not isinstance(fault, Rejected):
        words = f"{type(fault).__name__}: {words}"
    return written(words[:500].replace("\n", " "))
