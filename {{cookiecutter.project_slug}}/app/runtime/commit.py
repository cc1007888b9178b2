"""Group commit: what waits together is decided together, and stored in one transaction."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from random import Random
from time import perf_counter
from typing import Generic, Protocol

import structlog

from app.core.rejected import Code, Rejected
from app.runtime.decide import Decider
from app.runtime.decision import Decision, Request
from app.runtime.event_log.port import (
    AnswerLost,
    Conflict,
    Entry,
    EventLog,
    LogUnavailable,
    TooLarge,
)
from app.runtime.group import Accepted, Outcome, Verdict, Waiting, burial, decide_group
from app.runtime.replay import catch_up, followed, read_commands
from app.runtime.rules import Command, Event, State

CONFLICTS, LONGEST_WAIT = 24, 0.05
# After so many conflicts in a row half as many are decided at a time; NO_LIMIT is beyond any group.
UNLUCKY, NO_LIMIT = 2, 1 << 16
AGAIN_SECONDS = 5
SECONDS_OF_LOOKS, SECONDS_BETWEEN_LOOKS = 10.0, 0.5

UNSURE = Rejected(Code.UNAVAILABLE, "the event log failed; look before sending it again")
CONTENDED = Rejected(Code.UNAVAILABLE, "others write to the event log all the time", retry_after=1)
VAST = Rejected(Code.TOO_LARGE, "this leads to more than the event log takes at once")

log = structlog.get_logger(__name__)


class Appends(Protocol):
    """Hears of every append to the log."""

    def appended(self, seconds: float, entries: int) -> None:
        """So many entries are stored."""

    def append_failed(self, reason: str) -> None:
        """They are not, or nobody knows; `reason` is the name of the exception."""


class Commits(Generic[State, Command, Event]):
    """The head of the log, and the one way to move it on: commit by commit.

    `moved_on` is called after each, ours or others', when it is stored and the head is the new one.
    """

    def __init__(
        self,
        event_log: EventLog,
        decider: Decider[State, Command, Event],
        *,
        clock: Callable[[], int],
        chance: Random,
        moved_on: Callable[[Verdict[State, Command, Event]], None],
        appends: Appends | None = None,
    ) -> None:
        self.head = decider.start()
        self._log = event_log
        self._decider = decider
        self._clock = clock
        self._chance = chance
        self._moved_on = moved_on
        self._appends = appends
        self._at_once = NO_LIMIT

    async def commit(self, group: Sequence[Waiting[State, Command, Event]]) -> None:
        """Decide a group, store what it leads to, in one piece or several, and answer everybody.

        Raises whatever the log raises that is fatal; everybody is answered then too.
        """
        left = group
        try:
            while left:
                verdict = await self._stored(left)
                self._go_on(verdict)
                await self._answer(verdict)
                left = left[len(verdict.accepted) + len(verdict.refused) :]
        except TooLarge:
            await self._commit_less(left)
        except LogUnavailable as problem:
            log.error("nothing was stored", problem=str(problem))
            refuse_all(group, unavailable(problem))
        except Rejected as refusal:
            refuse_all(group, refusal)
        except BaseException:
            refuse_all(group, UNSURE)
            raise

    async def catch_up(self) -> None:
        """Apply all that others have stored; raises StartRefused, and LogUnavailable."""
        async for decision in catch_up(self._log, self._decider, self.head):
            self._follow(decision)

    def follow(self, entries: Sequence[Entry]) -> None:
        """Apply what others have stored, as far as it is news; raises StartRefused."""
        for decision in followed(self._decider, self.head, entries):
            self._follow(decision)

    def _follow(self, decision: Decision[State, Command, Event]) -> None:
        theirs: Verdict[State, Command, Event] = Verdict(self.head)
        theirs.add(decision)
        self._go_on(theirs)

    async def _commit_less(self, group: Sequence[Waiting[State, Command, Event]]) -> None:
        """Half of a group at a time; a single command that is too much is refused."""
        if len(group) == 1:
            await self._give_up(group[0])
            return
        middle = len(group) // 2
        try:
            await self.commit(group[:middle])
            await self.commit(group[middle:])
        except BaseException:  # the second half, when the first one has ended it
            refuse_all(group, UNSURE)
            raise

    async def _give_up(self, waiting: Waiting[State, Command, Event]) -> None:
        """Refuse what is too much by itself; if an effect asked for it, that is a dead letter."""
        refusal = VAST
        if (note := burial(waiting.request, VAST.message)) is not None:
            noted: asyncio.Future[Outcome[State, Event]] = asyncio.Future()
            await self.commit([Waiting(note, noted)])
            fault = noted.exception()
            if isinstance(fault, Rejected) and fault.code is Code.UNAVAILABLE:
                refusal = fault  # it is tried again, and too much again
        waiting.refuse(refusal)

    def _go_on(self, verdict: Verdict[State, Command, Event]) -> None:
        self.head = verdict.head
        self._moved_on(verdict)

    async def _stored(
        self, group: Sequence[Waiting[State, Command, Event]]
    ) -> Verdict[State, Command, Event]:
        """What the group leads to, or the first ones of it, and it is stored.

        A node that loses again and again decides fewer at a time: the fastest is the next.
        Raises Rejected, LogUnavailable or TooLarge if it could not be.
        """
        is_current = not self._log.is_shared
        for conflicts in range(CONFLICTS):
            some = group[: self._at_once]
            now = self._clock()
            verdict = decide_group(self._decider, self.head, some, now)
            try:
                if not (verdict.entries or is_current) and _tells_of_state(verdict):
                    await self._require_current()
                if not verdict.entries or await self._append(verdict.entries):
                    self._at_once = min(2 * self._at_once, NO_LIMIT)
                    return verdict
            except Conflict:
                if conflicts:  # waiting comes first: what is decided next is decided on the latest
                    longest = min(0.002 * 2**conflicts, LONGEST_WAIT)
                    await asyncio.sleep(self._chance.uniform(0, longest))
                if conflicts >= UNLUCKY:
                    self._at_once = max(len(some) // 2, 1)
                await self.catch_up()
                is_current = True
        raise CONTENDED.anew()

    async def _require_current(self) -> None:
        """Raises Conflict if others have stored what may make an answer untrue.

        No append finds that out, where nothing is to be appended. Whoever was told of an order by
        one node is not to hear from the next that there is none, or that all is as it was.
        """
        if await self._log.end() > self.head.position:
            raise Conflict("others have stored more")

    async def _append(self, entries: Sequence[Entry]) -> bool:
        """Whether the entries are stored; an append whose answer was lost is looked up."""
        try:
            await self._measured_append(entries)
        except AnswerLost:
            found = await self._looked_up()
            if not found:
                return False
            if found[0].command != entries[0].command:
                raise Conflict("somebody else was faster") from None
        return True

    async def _measured_append(self, entries: Sequence[Entry]) -> None:
        began = perf_counter()
        try:
            await self._log.append(self.head.position, entries)
        except Exception as fault:
            if self._appends is not None:
                self._appends.append_failed(type(fault).__name__)
            raise
        if self._appends is not None:
            self._appends.appended(perf_counter() - began, len(entries))

    async def _looked_up(self) -> Sequence[Entry]:
        """What was stored next, whoever stored it; raises Rejected when nobody can tell in time.

        What it was is found when the log is read on.
        """
        now = asyncio.get_running_loop().time
        until = now() + SECONDS_OF_LOOKS
        while now() < until:  # each look may take long to fail
            try:
                return await self._log.read(self.head.position, 1)
            except LogUnavailable as problem:
                log.error("nobody knows whether it was stored", problem=str(problem))
                await asyncio.sleep(SECONDS_BETWEEN_LOOKS)
        raise UNSURE.anew()

    async def _answer(self, verdict: Verdict[State, Command, Event]) -> None:
        for waiting, refusal in verdict.refused:
            waiting.refuse(refusal)
        for waiting, decision in verdict.accepted:
            if decision.repeats is None:
                head = decision.head
                waiting.accept(Outcome(decision.events, head.position, head.state))
        await self._answer_again(verdict.accepted)

    async def _answer_again(self, accepted: Sequence[Accepted[State, Command, Event]]) -> None:
        """Tell those whose commands are in the log already what these led to."""
        repeats = [
            (waiting, waiting.request, decision.repeats)
            for waiting, decision in accepted
            if decision.repeats is not None and isinstance(waiting.request, Request)
        ]
        if not repeats:
            return
        try:
            found = await read_commands(self._log, [first for _, _, first in repeats])
        except LogUnavailable as problem:
            refuse_all([waiting for waiting, _, _ in repeats], unavailable(problem))
            return
        for waiting, request, first in repeats:
            try:
                waiting.accept(self._first_outcome(request, found[first]))
            except Rejected as mismatch:
                waiting.refuse(mismatch)

    def _first_outcome(
        self, request: Request[Command], entries: Sequence[Entry]
    ) -> Outcome[State, Event]:
        """What was answered when the command was sent first; raises Rejected if it is another."""
        action = entries[0].action
        if action is None or self._decider.rules.decode_command(action) != request.command:
            raise Rejected(Code.ID_REUSED, f"the id {request.id} was given to another command")
        events = [
            self._decider.happened(entry, entry.event)
            for entry in entries
            if entry.event is not None
        ]
        return Outcome(events, entries[-1].position, self.head.state, duplicate=True)


def _tells_of_state(verdict: Verdict[State, Command, Event]) -> bool:
    """Whether somebody is told that something must not be, or is so already."""
    accepted = (decision for _, decision in verdict.accepted)
    is_so = any(decision.repeats is None and not decision.events for decision in accepted)
    return is_so or bool(verdict.refused)


def unavailable(problem: LogUnavailable) -> Rejected:
    """What a client is told when the log cannot be reached: nothing was stored."""
    return Rejected(Code.UNAVAILABLE, str(problem), retry_after=AGAIN_SECONDS)


def refuse_all(group: Iterable[Waiting[State, Command, Event]], refusal: Rejected) -> None:
    """Give the same refusal to all of them."""
    for waiting in group:
        waiting.refuse(refusal)
