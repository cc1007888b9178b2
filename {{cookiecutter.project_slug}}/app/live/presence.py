"""Tells who is in which room of the chat, when that changes, to those who want to know."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from functools import partial
from itertools import zip_longest
from typing import Any, NamedTuple

from app.access.store import Outcome
from app.core.principal import SYSTEM
from app.domain import EPHEMERAL
from app.domain.chat.actions import ReportPresence
from app.live.attendance import PRESENCE, Attendance, Present, together
from app.live.live import Live
from app.live.pulse import FORGOTTEN_SECONDS
from app.live.turns import Turns
from app.observe.beating import beating

BEAT_SECONDS = 0.5
REST_BEATS = round(EPHEMERAL[PRESENCE] / BEAT_SECONDS)
# So many rooms are taken to be looked at in a beat; where there is news of more, those who have
# brought them up take turns.
ROOMS_A_BEAT = 200
ELSEWHERE = ""  # who has brought up what other nodes say: nobody's name


def telling_presence(live: Live) -> AbstractAsyncContextManager[None]:
    """Dispatch a ReportPresence for each room that has changed, as long as the context lasts.

    Each node lets the others know who is connected to it, and tells its own clients of all.
    """
    presence = Presence(live)
    live.hub.watchers.append(presence.attendance)
    return beating(PRESENCE, BEAT_SECONDS, presence.beat)


class Told(NamedTuple):
    """What was last told of a room, and in which beat."""

    present: Present
    beat: int


class Presence:
    """Knows who is present at all nodes, and what of that was told at this one.

    A room is looked at when something has happened in it or somebody begins to ask for it: however
    many are asked for, a beat takes as long as what is new, and looks at so many rooms at most.
    """

    def __init__(self, live: Live) -> None:
        self.attendance = Attendance()
        self._store = live.store
        self._beats = 0
        self._own: Mapping[str, Present] = {}
        self._others: Sequence[Mapping[str, Sequence[Any]]] = ()
        self._has_reported = False
        self._told: dict[str, Told] = {}
        self._turns = Turns()
        self._resting: list[str] = []
        self._for_newcomers: list[str] = []

    def beat(self) -> None:
        """Let other nodes know who is here, and clients what they have not been told."""
        self._beats += 1
        self._exchange()
        rested, self._resting = self._resting, []
        anew = self._anew()
        for room in (*rested, *anew, *self._turns.take(ROOMS_A_BEAT - len(anew))):
            self._look_at(room)

    def _exchange(self) -> None:
        """Take note of what has changed, here and at other nodes."""
        self._own, reports = self.attendance.present(), self._store.reports
        if self.attendance.report or self._has_reported:
            reports.say(PRESENCE, self.attendance.report)
        self._has_reported = bool(self.attendance.report)
        before, self._others = self._others, reports.of_others(PRESENCE, FORGOTTEN_SECONDS)
        for room in _changed(before, self._others):
            self._bring_up(ELSEWHERE, room)
        for by, room in self.attendance.news():
            self._bring_up(by, room)

    def _bring_up(self, by: str, room: str) -> None:
        if self._is_wanted(room):
            self._turns.add(by, room)
        else:
            self._turns.drop(room)
            self._told.pop(room, None)

    def _is_wanted(self, room: str) -> bool:
        """Whether anybody wants to know; of all rooms, those where somebody is, or was told of."""
        if self.attendance.is_asked(room):
            return True
        told = self._told.get(room)
        was_told = told is not None and bool(told.present.user_ids)
        return self.attendance.asks_for_all and (was_told or any(self._at_nodes(room)))

    def _anew(self) -> Sequence[str]:
        """Some of the rooms that are told again, to those who begin to ask for all."""
        if self.attendance.has_newcomer_to_all and not self._for_newcomers:
            self.attendance.has_newcomer_to_all = False
            self._for_newcomers = [room for node in (self._own, *self._others) for room in node]
        some = self._for_newcomers[-ROOMS_A_BEAT // 2 :]
        del self._for_newcomers[-ROOMS_A_BEAT // 2 :]
        self.attendance.newcomers.update(some)
        return some

    def _look_at(self, room: str) -> None:
        """Tell who is there, if that is news to somebody, and the room was not told of just now."""
        newcomers, told = self.attendance.newcomers, self._told.get(room)
        if told is not None and self._beats - told.beat < REST_BEATS:
            self._resting.append(room)
            return
        present = together(self._at_nodes(room))
        if not self._is_wanted(room):
            newcomers.discard(room)
            self._told.pop(room, None)
        elif room in newcomers or present != (told.present if told else Present()):
            newcomers.discard(room)
            self._told[room] = Told(present, self._beats)
            if not self._is_wanted(room):
                self._resting.append(room)  # to be forgotten then
            report = ReportPresence(room, present.user_ids, present.more)
            self._store.submit(report, by=SYSTEM).add_done_callback(partial(self._answered, room))

    def _at_nodes(self, room: str) -> Iterator[Present]:
        nodes = (self._own, *self._others)
        return (Present(*node[room]) for node in nodes if room in node)

    def _answered(self, room: str, answer: asyncio.Future[Outcome]) -> None:
        if answer.exception() is not None:  # the Store is full, or stops: try again
            self.attendance.newcomers.add(room)
            self._turns.add(ELSEWHERE, room)


def _changed(
    before: Iterable[Mapping[str, object]], now: Iterable[Mapping[str, object]]
) -> Iterator[str]:
    """The rooms of which other nodes say something else than before."""
    nothing: Mapping[str, object] = {}
    for old, new in zip_longest(before, now, fillvalue=nothing):
        if old is not new and old != new:
            yield from (room for room in {**old, **new} if old.get(room) != new.get(room))
