"""Decides the commands that wait together, each on the State that its predecessors leave."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Generic

import structlog

from app.core.rejected import Code, Rejected
from app.runtime.decide import Decider, Decision, Happened, Head, Request
from app.runtime.event_log.port import Entry
from app.runtime.rules import Command, Event, State

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Outcome(Generic[State, Event]):
    """What a command led to: its events, the log's position after it, and the State it left."""

    events: Sequence[Happened[Event]]
    seq: int
    state: State


@dataclass(frozen=True, slots=True)
class Waiting(Generic[State, Command, Event]):
    """A request, and the future that its sender looks at; the service's own have none."""

    request: Request[Command]
    answer: asyncio.Future[Outcome[State, Event]] | None = None

    def accept(self, decision: Decision[State, Command, Event]) -> None:
        """Tell the sender what the command led to."""
        if self.answer is not None and not self.answer.done():
            head = decision.head
            self.answer.set_result(Outcome(decision.events, head.position, head.state))

    def refuse(self, refusal: Rejected) -> None:
        """Tell the sender why the command led to nothing."""
        if self.answer is not None and not self.answer.done():
            self.answer.set_exception(refusal)


@dataclass(slots=True)
class Verdict(Generic[State, Command, Event]):
    """What a group leads to. Nothing of it is true, refusals included, before it is stored."""

    head: Head[State, Command]
    entries: list[Entry] = field(default_factory=list)
    accepted: list[tuple[Waiting[State, Command, Event], Decision[State, Command, Event]]] = field(
        default_factory=list
    )
    refused: list[tuple[Waiting[State, Command, Event], Rejected]] = field(default_factory=list)

    def add(self, decision: Decision[State, Command, Event]) -> None:
        """Go on from where a decision leads."""
        self.head = decision.head
        self.entries.extend(decision.entries)

    def events(self) -> list[Happened[Event]]:
        """What happened, in order."""
        return [event for _, decision in self.accepted for event in decision.events]

    def asked(self) -> list[str]:
        """Origins of the effects that are now to be performed."""
        return [origin for _, decision in self.accepted for origin in decision.asked]

    def announce(self) -> None:
        """Answer every sender."""
        for waiting, decision in self.accepted:
            waiting.accept(decision)
        for waiting, refusal in self.refused:
            waiting.refuse(refusal)


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
            decision = decider.decided(verdict.head, waiting.request, now)
        except Rejected as refusal:
            verdict.add(decider.refused(verdict.head, waiting.request, now, refusal))
            verdict.refused.append((waiting, refusal))
        except Exception:  # whatever a rule may raise; an effect's command is tried at a new start
            log.exception("a rule failed", command=type(waiting.request.command).__name__)
            mistake = Rejected(Code.INTERNAL, "the service made a mistake")
            verdict.refused.append((waiting, mistake))
        else:
            verdict.add(decision)
            verdict.accepted.append((waiting, decision))
    return verdict
