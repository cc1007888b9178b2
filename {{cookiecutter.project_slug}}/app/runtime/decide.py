"""Decides one command: pure, from one Head of the log to the next and the entries between."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic

from rpds import HashTrieMap

from app.core.effects import Append, Dispatch, Publish
from app.core.environment import Environment
from app.core.principal import Principal
from app.core.rejected import Rejected
from app.runtime.event_log.port import Entry
from app.runtime.rules import Command, Event, Rules, State


@dataclass(frozen=True, slots=True)
class Request(Generic[Command]):
    """A command on its way to being decided.

    `key` is unique to this one decision. `id` is the client's own name for the command at the
    root; `origin` is the effect that asked for it, when the service itself did.
    """

    command: Command
    by: Principal
    key: str
    id: str | None = None
    origin: str | None = None


@dataclass(frozen=True, slots=True)
class Pending(Generic[Command]):
    """An effect that is stored and has not ended, and the client's id at its root."""

    effect: Dispatch[Command]
    cause: str | None


@dataclass(frozen=True, slots=True)
class Head(Generic[State, Command]):
    """All that the log says up to a position: the State, and the effects that have not ended.

    An effect is known by its origin: the position of its event and its place there, `12/0`.
    """

    position: int
    time: int
    state: State
    pending: HashTrieMap[str, Pending[Command]]


@dataclass(frozen=True, slots=True)
class Happened(Generic[Event]):
    """An event, its JSON, and its position in the log; a passing event has none."""

    event: Event
    json: str
    seq: int | None
    cause: str | None


@dataclass(frozen=True, slots=True)
class Decision(Generic[State, Command, Event]):
    """What a command leads to; `asked` are the origins of the effects that it must lead on to."""

    head: Head[State, Command]
    entries: Sequence[Entry] = ()
    events: Sequence[Happened[Event]] = ()
    asked: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Decider(Generic[State, Command, Event]):
    """The rules of a domain, on the log of one epoch."""

    rules: Rules[State, Command, Event]
    epoch: str

    def start(self) -> Head[State, Command]:
        """What an empty log says."""
        return Head(0, 0, self.rules.initial, HashTrieMap())

    def decided(
        self, head: Head[State, Command], request: Request[Command], now: int
    ) -> Decision[State, Command, Event]:
        """What the command leads to at `now`; raises Rejected, and whatever a faulty rule does."""
        self.rules.authorise(request.by, request.command, head.state)
        _, asked = self.rules.reduce(head.state, request.command, Environment(now, request.key))

        entries: list[Entry] = []
        events: list[Happened[Event]] = []
        origins: list[str] = []
        for effect in asked:
            match effect:
                case Append(event):
                    settles = request.origin if not entries else None
                    head, entry, text, new = self._evolved(head, event, request, now, settles)
                    entries.append(entry)
                    origins.extend(new)
                    events.append(Happened(event, text, entry.position, request.id))
                case Publish(event):
                    text = self.rules.encode_action(event)
                    events.append(Happened(event, text, None, request.id))
                case _:
                    raise TypeError(f"a command cannot ask for {effect}: let its event do so")
        if request.origin is not None and not entries:
            head, entry = self._settled(head, request, now, "nothing")
            entries.append(entry)
        return Decision(head, entries, events, origins)

    def refused(
        self, head: Head[State, Command], request: Request[Command], now: int, refusal: Rejected
    ) -> Decision[State, Command, Event]:
        """What a refusal leads to: nothing, but that an effect which asked for it has ended."""
        if request.origin is None:
            return Decision(head)
        head, entry = self._settled(head, request, now, f"refused: {refusal.message}")
        return Decision(head, [entry])

    def replayed(self, head: Head[State, Command], entry: Entry) -> Head[State, Command]:
        """The next head, from an entry of the log. What its event asks for now is not asked again.

        Raises Rejected for an entry that cannot be read.
        """
        state, pending = head.state, head.pending
        if entry.event is not None:
            event = self.rules.decode_event(entry.event)
            env = Environment(entry.time, f"{self.epoch}/{entry.position}")
            state, _ = self.rules.reduce(state, event, env)
        if entry.effects is not None:
            for place, effect in enumerate(self.rules.decode_effects(entry.effects)):
                pending = pending.insert(f"{entry.position}/{place}", Pending(effect, entry.cause))
        if entry.settles is not None:
            pending = pending.discard(entry.settles)
        return Head(entry.position, entry.time, state, pending)

    def _evolved(
        self,
        head: Head[State, Command],
        event: Event,
        request: Request[Command],
        now: int,
        settles: str | None,
    ) -> tuple[Head[State, Command], Entry, str, list[str]]:
        position = head.position + 1
        env = Environment(now, f"{self.epoch}/{position}")
        state, asked = self.rules.reduce(head.state, event, env)
        effects: list[Dispatch[Command]] = [_dispatch(effect) for effect in asked]
        text = self.rules.encode_action(event)
        entry = Entry(
            position=position,
            time=now,
            command=request.key,
            principal=request.by.name,
            cause=request.id,
            event=text,
            effects=self.rules.encode_effects(effects) if effects else None,
            settles=settles,
            outcome=None if settles is None else "done",
        )
        pending = head.pending if settles is None else head.pending.discard(settles)
        origins = [f"{position}/{place}" for place in range(len(effects))]
        for origin, effect in zip(origins, effects, strict=True):
            pending = pending.insert(origin, Pending(effect, request.id))
        return Head(position, now, state, pending), entry, text, origins

    def _settled(
        self, head: Head[State, Command], request: Request[Command], now: int, outcome: str
    ) -> tuple[Head[State, Command], Entry]:
        assert request.origin is not None  # noqa: S101 - both callers have looked
        position = head.position + 1
        entry = Entry(
            position=position,
            time=now,
            command=request.key,
            principal=request.by.name,
            cause=request.id,
            settles=request.origin,
            outcome=outcome,
        )
        pending = head.pending.discard(request.origin)
        return Head(position, now, head.state, pending), entry


def _dispatch(
    effect: Append[Event] | Publish[Event] | Dispatch[Command],
) -> Dispatch[Command]:
    if not isinstance(effect, Dispatch):
        raise TypeError(f"an event cannot ask for {effect}: only for Dispatch")
    return effect
