"""Decides one command: pure, from one Head of the log to the next and the entries between."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Generic

from app.core.effects import Append, Delay, Durable, Parallel, Publish, Sequential
from app.core.environment import Environment
from app.core.rejected import Code, Rejected
from app.runtime.decision import (
    MICROSECONDS,
    Decision,
    Happened,
    Note,
    Request,
    is_awaited,
    written,
)
from app.runtime.event_log.port import Entry
from app.runtime.head import Advance, Head, principal_of, seed_of
from app.runtime.pending import Turn
from app.runtime.rules import Command, Event, Rules, State


@dataclass(frozen=True, slots=True)
class Decider(Generic[State, Command, Event]):
    """The rules of a domain, applied to the entries of a log."""

    rules: Rules[State, Command, Event]

    def start(self) -> Head[State, Command]:
        """What an empty log says."""
        return Head(0, 0, self.rules.initial)

    def decided(
        self, head: Head[State, Command], request: Request[Command], now: int
    ) -> Decision[State, Command, Event]:
        """What the command leads to at `now`; raises Rejected, and whatever a faulty rule does."""
        if request.origin is not None:
            if not is_awaited(head.effects.pending.get(request.origin), request):
                return Decision(head)
        elif request.id is not None:
            first = head.remembered.get((str(request.by.role), request.by.name, request.id))
            if first is not None:
                return Decision(head, repeats=first)
        course = Course(self, head, request, now)
        course.take(self.asked(head.state, request, now))
        return course.decision()

    def asked(
        self, state: State, request: Request[Command], now: int
    ) -> Sequence[Append[Event] | Publish[Event] | Durable[Command]]:
        """What the rules make of the command, in this State."""
        if request.command is None:
            return ()
        self.rules.authorise(request.by, request.command, state)
        env = Environment(now, request.key, request.by, self.rules.terms)
        return self.rules.reduce(state, request.command, env)[1]

    def refused(
        self, head: Head[State, Command], request: Request[Command], now: int, refusal: Rejected
    ) -> Decision[State, Command, Event]:
        """What a refusal leads to: nothing, but that an effect which asked for it goes on or ends.

        A client's command that is refused leaves no trace, so that it may succeed another time.
        """
        if request.origin is None:
            return Decision(head)
        course = Course(self, head, request, now)
        course.refuse(refusal.message)
        return course.decision()

    def noted(
        self, head: Head[State, Command], note: Note, now: int
    ) -> Decision[State, Command, Event]:
        """What a note leads to; raises Rejected if there is no such effect (any more)."""
        pending = head.effects.pending.get(note.origin)
        if pending is None or (pending.dead is not None) is not note.dead:
            kind = "dead letter" if note.dead else "effect"
            raise Rejected(Code.NOT_FOUND, f"there is no {kind} {note.origin}")
        request: Request[Command] = Request(None, note.by, note.key, pending.cause, note.origin)
        course = Course(self, head, request, now)
        course.note(note.turn, note.words)
        return course.decision()

    def replayed(self, head: Head[State, Command], entry: Entry) -> Decision[State, Command, Event]:
        """What an entry of the log leads to: the decision that it is a part of, once more.

        Raises Rejected for an entry that cannot be read.
        """
        happened = [] if entry.event is None else [self.happened(entry, entry.event)]
        advance = Advance(head, self.window)
        self.advance(advance, entry, [each.event for each in happened])
        return Decision(advance.head(), (entry,), happened, advance.begun, advance.cancelled)

    def happened(self, entry: Entry, stored: str) -> Happened[Event]:
        """The event of an entry, as it is told today; raises Rejected if it cannot be read."""
        event = self.rules.decode_event(stored)
        topic, json = self.rules.topic_of(event), self.rules.told_event(event, stored)
        return Happened(event, topic, json, entry.position, entry.cause)

    def advance(
        self, advance: Advance[State, Command], entry: Entry, events: Sequence[Event]
    ) -> None:
        """Move on by an entry whose event, if it has one, is this.

        The effects are those that were asked for then, whatever the rules ask for now. Raises
        Rejected for effects that cannot be read.
        """
        rules, state = self.rules, advance.state
        for event in events:  # as in `evolved`: to call it makes a replay up to 2 % slower
            by = principal_of(entry.principal, entry.role)
            env = Environment(entry.time, seed_of(entry.command, entry.position), by, rules.terms)
            state, _ = rules.reduce(state, event, env)
        asked = () if entry.effects is None else rules.decode_effects(entry.effects)
        advance.enter(entry, state, asked)

    def evolved(self, state: State, entry: Entry, event: Event) -> State:
        """The State after an entry whose event is this, by the rules as they are now."""
        by = principal_of(entry.principal, entry.role)
        seed = seed_of(entry.command, entry.position)
        env = Environment(entry.time, seed, by, self.rules.terms)
        return self.rules.reduce(state, event, env)[0]

    @property
    def window(self) -> int:
        """How long ids are remembered, in microseconds."""
        return self.rules.remember_seconds * MICROSECONDS


class Course(Generic[State, Command, Event]):
    """One decision while it is made: the entries so far, and the head after them."""

    def __init__(
        self,
        decider: Decider[State, Command, Event],
        head: Head[State, Command],
        request: Request[Command],
        now: int,
    ) -> None:
        self._decider = decider
        self._advance = Advance(head, decider.window)
        self._request = request
        self._now = now
        self._entries: list[Entry] = []
        self._events: list[Happened[Event]] = []

    def decision(self) -> Decision[State, Command, Event]:
        """All of it."""
        advance = self._advance
        return Decision(
            advance.head(), self._entries, self._events, advance.begun, advance.cancelled
        )

    def take(self, asked: Sequence[Append[Event] | Publish[Event] | Durable[Command]]) -> None:
        """Go through what a command asks for.

        A command without events is noted where that counts: an effect ends with it, or a client
        may send it again.
        """
        request = self._request
        for effect in asked:
            match effect:
                case Append(event):
                    self._append(event)
                case Publish(event):
                    self._publish(event)
                case _:
                    raise TypeError(f"a command cannot ask for {effect}: let its event do so")
        if not self._entries and (request.origin is not None or request.id is not None):
            self._add(self._advance.state, outcome="nothing")

    def refuse(self, words: str) -> None:
        """Note that a command of the service's own was refused."""
        self._add(self._advance.state, outcome=f"refused: {written(words)}")

    def note(self, turn: Turn | None, words: str) -> None:
        """Note how the effect goes on, or that it was discarded."""
        if turn is None:
            self._add(self._advance.state, outcome="discarded")
        else:
            outcome = f"{turn}: {words}" if words else turn
            self._add(self._advance.state, outcome=outcome, goes_on=True)

    def _publish(self, event: Event) -> None:
        rules = self._decider.rules
        text, topic = rules.encode_event(event), rules.topic_of(event)
        self._events.append(Happened(event, topic, text, None, self._request.id))

    def _append(self, event: Event) -> None:
        rules, position = self._decider.rules, self._advance.position + 1
        seed = seed_of(self._request.key, position)
        env = Environment(self._now, seed, self._request.by, rules.terms)
        state, asked = rules.reduce(self._advance.state, event, env)
        effects = [_durable(effect) for effect in asked] if asked else []
        text, topic = rules.encode_event(event), rules.topic_of(event)
        _require_readable(rules.decode_event, text)
        self._add(state, text, effects=effects)
        self._events.append(Happened(event, topic, text, position, self._request.id))

    def _add(
        self,
        state: State,
        event: str | None = None,
        *,
        effects: Sequence[Durable[Command]] = (),
        outcome: str = "done",
        goes_on: bool = False,
    ) -> None:
        """One entry more. The first tells what was decided, and what becomes of its origin."""
        request, rules = self._request, self._decider.rules
        is_first = not self._entries
        origin = request.origin if is_first else None
        command = request.command if is_first else None
        if request.nth is not None:
            goes_on, outcome = True, f"{Turn.GIVEN}: {outcome}"
        asked = rules.encode_effects(effects) if effects else None
        if asked is not None:
            _require_readable(lambda text: [*rules.decode_effects(text)], asked)
        entry = Entry(
            position=self._advance.position + 1,
            time=self._now,
            command=request.key,
            principal=request.by.name,
            role=request.by.role,
            cause=request.id,
            action=None if command is None else rules.encode_command(command),
            event=event,
            effects=asked,
            settles=None if goes_on else origin,
            continues=origin if goes_on else None,
            outcome=None if origin is None else outcome,
        )
        self._entries.append(entry)
        self._advance.enter(entry, state, effects)


def _require_readable(read: Callable[[str], object], text: str) -> None:
    """Raise ValueError for what no start could read again: it is not to get into the log."""
    try:
        read(text)
    except Rejected as problem:
        raise ValueError(f"this could not be read again: {problem.message}") from None


def _durable(effect: Append[Event] | Publish[Event] | Durable[Command]) -> Durable[Command]:
    """The effect, if an event may ask for it; raises TypeError or ValueError if it may not."""
    match effect:
        case Append() | Publish():
            raise TypeError(f"an event cannot ask for {effect}: only a command can")
        case Delay(seconds) if not isfinite(seconds * MICROSECONDS):
            raise ValueError(f"{effect} is due at no time")
        case Parallel(children) | Sequential(children):
            for child in children:
                _durable(child)
    return effect
