"""A decision of the past as given, when, then: with as few events given as lead to the same."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic

from app.core.effects import Durable
from app.core.rejected import Code, Rejected
from app.core.terms import Terms
from app.runtime.check import refusal_of
from app.runtime.event_log.port import Entry
from app.runtime.head import principal_of
from app.runtime.history import Gone, History, unreadable
from app.runtime.rules import Command, Event, Rules, State
from app.runtime.ruling import Moment, Ruling, rule
from app.runtime.search import MaySee, Past, Search

MOST_GIVEN = 500


@dataclass(frozen=True, slots=True)
class Scenario(Generic[Command, Event]):
    """Given these events, when this command, then that.

    `before` is how many entries there were; `is_least` says that no event can be left out.
    """

    given: tuple[Event, ...]
    moment: Moment[Command]
    ruling: Ruling[Command, Event]
    terms: Terms
    before: int
    is_least: bool


async def scenario_at(
    history: History[State, Command, Event],
    position: int,
    may_see: MaySee[Command, Event],
    gone: Gone,
) -> Scenario[Command, Event]:
    """The decision that the entry at a position is a part of.

    To be called in one's turn of the history. Raises Rejected where nothing was decided, where the
    policy denied it, where the rules would decide otherwise today, where it holds what its reader
    may not see, and where no number of events that is fit for a test leads to the same.
    """
    rules = history.rules
    entries = await history.decision(position)
    moment = _moment(rules, entries[0])
    was = _logged(rules, entries)
    seen = [may_see(moment.command, moment.by), *(may_see(e, moment.by) for e in was.events)]
    if not all(seen):
        raise _private(position)
    state = await history.state_at(moment.position - 1, gone)
    ruling = rule(rules, state, moment)
    if was.refused is not None and was.refused[1] == _denial(rules, state, moment):
        told = f"the policy denied what was asked for at position {moment.position}"
        raise Rejected(Code.CONFLICT, f"{told}, and a test asks the rules alone")
    if not _is_same(ruling, was):
        told = f"today's rules decide position {moment.position} otherwise than it was decided"
        raise Rejected(Code.CONFLICT, f"{told}: `python -m app check` says how")
    search = Search(rules, moment, ruling, gone)
    found = await search.found(Past(history, moment, may_see, gone).widening())
    given, is_least = ((), False) if found is None else await search.least(found)
    if found is None or len(given) > MOST_GIVEN:
        told = f"no {MOST_GIVEN} events that you may see lead to what was decided at position"
        raise Rejected(Code.CONFLICT, f"{told} {moment.position}")
    before = moment.position - 1
    return Scenario(tuple(given), moment, ruling, rules.terms, before, is_least)


def _moment(rules: Rules[State, Command, Event], first: Entry) -> Moment[Command]:
    """What was decided; raises Rejected where a decision was none, but a note."""
    if first.action is None:
        told = f"position {first.position} tells what became of an effect"
        raise Rejected(Code.NOT_FOUND, f"{told}, and nothing was decided there")
    try:
        command = rules.decode_command(first.action)
    except Rejected as problem:
        raise unreadable(first, problem) from problem
    by = principal_of(first.principal, first.role)
    return Moment(command, by, first.time, first.command, first.position)


def _logged(
    rules: Rules[State, Command, Event], entries: Sequence[Entry]
) -> Ruling[Command, Event]:
    """What became of it then; of a refusal the code is not stored."""
    events: list[Event] = []
    asks: list[Durable[Command]] = []
    for entry in entries:
        try:
            if entry.event is not None:
                events.append(rules.decode_event(entry.event))
            if entry.effects is not None:
                asks.extend(rules.decode_effects(entry.effects))
        except Rejected as problem:
            raise unreadable(entry, problem) from problem
    words = refusal_of(entries[0].outcome)
    return Ruling(
        tuple(events), tuple(asks), refused=None if words is None else (Code.CONFLICT, words)
    )


def _denial(
    rules: Rules[State, Command, Event], state: State, moment: Moment[Command]
) -> str | None:
    """Why the policy denies it in this State, if it does."""
    try:
        rules.authorise(moment.by, moment.command, state)
    except Rejected as refusal:
        return refusal.message
    return None


def _is_same(now: Ruling[Command, Event], then: Ruling[Command, Event]) -> bool:
    """Whether both say the same, as far as it is stored."""
    match now.refused, then.refused:
        case (None, None):
            return (now.events, now.asks) == (then.events, then.asks)
        case ((_, words), (_, said)):
            return words == said
    return False


def _private(position: int) -> Rejected:
    told = f"what was decided at position {position} is somebody else's"
    return Rejected(Code.FORBIDDEN, told)
