"""Reads the log: from nothing, or from a snapshot, to what it says."""

from __future__ import annotations

import asyncio
from bisect import bisect_left
from collections.abc import (
    AsyncIterator,
    Awaitable,
    Callable,
    Iterable,
    Iterator,
    Mapping,
    Sequence,
)
from functools import partial
from itertools import takewhile
from typing import TypeVar

import structlog

from app.core.rejected import StartRefused
from app.runtime.decide import Decider
from app.runtime.decision import Decision, Happened
from app.runtime.event_log.port import Entry, EventLog, LogUnavailable
from app.runtime.group import words_of
from app.runtime.head import Advance, Head, begun_and_ended
from app.runtime.rules import Command, Event, State
from app.runtime.snapshot import load_snapshot

ENTRIES_A_READ = 1_000
ENTRIES_OF_A_COMMAND = 8
ENTRIES_A_LINE = 500_000
SECONDS_BETWEEN_TRIES = 0.5
REMEDY = "give a new field a default, or turn what is old into what is new in app/wire/upcasters.py"

T = TypeVar("T")

log = structlog.get_logger(__name__)


class Unreadable(StartRefused):
    """An entry cannot be read by this version of the code."""


async def replay(
    event_log: EventLog, decider: Decider[State, Command, Event]
) -> tuple[Head[State, Command], int]:
    """What the log says, and the position of the snapshot from which on it was read.

    That is 0 if there is none for this version of the code. Raises Unreadable at an entry that
    cannot be read.
    """
    head = await patiently(partial(load_snapshot, event_log, decider.rules)) or decider.start()
    saved = head.position
    lines = head.position // ENTRIES_A_LINE
    while entries := await patiently(partial(event_log.read, head.position, ENTRIES_A_READ)):
        head = _replayed(decider, head, entries)
        if head.position // ENTRIES_A_LINE > lines:
            lines = head.position // ENTRIES_A_LINE
            log.info("replaying the event log", position=head.position)
    return head, saved


async def patiently(ask: Callable[[], Awaitable[T]]) -> T:
    """What a log says, as soon as it can be reached: who starts has nothing else to do."""
    while True:
        try:
            return await ask()
        except LogUnavailable as problem:
            log.error("the event log cannot be reached", problem=str(problem))
            await asyncio.sleep(SECONDS_BETWEEN_TRIES)


def _replayed(
    decider: Decider[State, Command, Event], head: Head[State, Command], entries: Sequence[Entry]
) -> Head[State, Command]:
    """The head after these entries, which nobody is told of."""
    decode = decider.rules.decode_event
    advance = Advance(head, decider.window, begun_and_ended(entries))
    for entry in entries:
        try:
            events = () if entry.event is None else (decode(entry.event),)
            decider.advance(advance, entry, events)
        except Exception as problem:  # what cannot be read, or what an edited rule stumbles over
            raise Unreadable(diagnosis(entry, problem)) from problem
    return advance.head()


async def catch_up(
    event_log: EventLog, decider: Decider[State, Command, Event], head: Head[State, Command]
) -> AsyncIterator[Decision[State, Command, Event]]:
    """What each entry after a head leads to; raises Unreadable at one that cannot be."""
    while entries := await event_log.read(head.position, ENTRIES_A_READ):
        for decision in followed(decider, head, entries):
            head = decision.head
            yield decision


def followed(
    decider: Decider[State, Command, Event], head: Head[State, Command], entries: Sequence[Entry]
) -> Iterator[Decision[State, Command, Event]]:
    """What those entries lead to that come after the head; raises Unreadable as above."""
    for entry in entries:
        if entry.position > head.position:
            try:
                decision = decider.replayed(head, entry)
            except Exception as problem:  # as above
                raise Unreadable(diagnosis(entry, problem)) from problem
            head = decision.head
            yield decision


def diagnosis(entry: Entry, problem: Exception) -> str:
    """What is wrong with an entry that cannot be read, and what to do about it.

    Not what it says: that may be personal, and this comes into the lines of the service.
    """
    return (
        f"the event log cannot be read at position {entry.position}: {words_of(problem)}; "
        f"{REMEDY}; `python -m app log --after {entry.position - 1}` shows it"
    )


async def read_command(event_log: EventLog, first: int) -> Sequence[Entry]:
    """The entries of one decision, which begins at position `first`."""
    found: list[Entry] = []
    size = ENTRIES_OF_A_COMMAND
    while entries := await event_log.read(first - 1 + len(found), size):
        own = _first_decision(entries)
        if found and entries[0].command != found[0].command:
            break
        found.extend(own)
        if len(own) < size:
            break
        size *= 2
    return found


async def read_commands(
    event_log: EventLog, firsts: Iterable[int]
) -> Mapping[int, Sequence[Entry]]:
    """The entries of the decisions that begin at these positions, by position.

    Those that are near to each other take one read: who comes back sends again what it sent last.
    """
    found: dict[int, Sequence[Entry]] = {}
    entries: Sequence[Entry] = ()
    starts = sorted(set(firsts))
    for first in starts:
        if not entries or first > entries[-1].position:
            last = starts[bisect_left(starts, first + ENTRIES_A_READ) - 1]
            entries = await event_log.read(first - 1, last - first + ENTRIES_OF_A_COMMAND)
        later = entries[first - entries[0].position :]
        own = _first_decision(later)
        is_whole = len(own) < len(later)
        found[first] = own if is_whole else await read_command(event_log, first)
    return found


def _first_decision(entries: Sequence[Entry]) -> Sequence[Entry]:
    return list(takewhile(lambda entry: entry.command == entries[0].command, entries))


async def read_events(
    event_log: EventLog, decider: Decider[State, Command, Event], after: int, limit: int
) -> tuple[Sequence[Happened[Event]], int]:
    """The events among the next `limit` entries after a position, and where those end."""
    entries = await event_log.read(after, limit)
    events = [decider.happened(entry, entry.event) for entry in entries if entry.event is not None]
    return events, entries[-1].position if entries else after
