"""Tells who is in which room of the chat, when that changes, to those who want to know."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence, Set
from contextlib import AbstractAsyncContextManager
from functools import partial
from typing import Any, NamedTuple

from app.access.store import Outcome
from app.core.principal import SYSTEM
from app.domain import EPHEMERAL
from app.domain.chat.actions import ReportPresence
from app.live.attendance import PRESENCE, Attendance, Present, rooms_of, together
from app.live.live import Live
from app.live.pulse import FORGOTTEN_SECONDS
from app.observe.beating import beating

BEAT_SECONDS = 0.5
REST_BEATS = round(EPHEMERAL[PRESENCE] / BEAT_SECONDS)
# So many rooms are looked at in a beat; where more are asked for, they take turns.
ROOMS_A_BEAT = 200


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
    """Knows who is present at all nodes, and what of that was told at this one."""

    def __init__(self, live: Live) -> None:
        self.attendance = Attendance()
        self._store = live.store
        self._beats = 0
        self._nodes: Sequence[Mapping[str, Sequence[Any]]] = ()
        self._has_reported = False
        self._told: dict[str, Told] = {}
        self._for_newcomers: set[str] = set()
        self._turns: list[str] = []

    def beat(self) -> None:
        """Let other nodes know who is here, and clients what they have not been told."""
        self._beats += 1
        self._exchange()
        rooms = self._rooms(self.attendance.asked)
        anew = self._rooms(self.attendance.newcomers())
        self._for_newcomers = (self._for_newcomers | anew) & rooms
        self._told = {room: told for room, told in self._told.items() if room in rooms}
        self._turns = self._turns or list(rooms)
        turn, self._turns = self._turns[:ROOMS_A_BEAT], self._turns[ROOMS_A_BEAT:]
        for room in rooms.intersection(turn):
            self._look_at(room)

    def _exchange(self) -> None:
        own, reports = self.attendance.present(), self._store.reports
        if self.attendance.report or self._has_reported:
            reports.say(PRESENCE, self.attendance.report)
        self._has_reported = bool(self.attendance.report)
        self._nodes = [own, *reports.of_others(PRESENCE, FORGOTTEN_SECONDS)]

    def _rooms(self, topics: Set[str]) -> set[str]:
        """The rooms that these topics mean; `presence` alone is all where somebody is, or was."""
        rooms = set(rooms_of(PRESENCE, topics))
        if PRESENCE in topics:
            rooms.update(*self._nodes)
            rooms.update(room for room, told in self._told.items() if told.present.user_ids)
        return rooms

    def _look_at(self, room: str) -> None:
        """Tell who is there, if that is news to somebody, and the room was not told of just now."""
        told = self._told.get(room)
        if told is not None and self._beats - told.beat < REST_BEATS:
            return
        present = together(Present(*node[room]) for node in self._nodes if room in node)
        if told is not None and told.present == present and room not in self._for_newcomers:
            return
        self._told[room] = Told(present, self._beats)
        self._for_newcomers.discard(room)
        report = ReportPresence(room, present.user_ids, present.more)
        self._store.submit(report, by=SYSTEM).add_done_callback(partial(self._answered, room))

    def _answered(self, room: str, answer: asyncio.Future[Outcome]) -> None:
        if answer.exception() is not None:  # the Store is full, or stops: try again
            self._for_newcomers.add(room)
