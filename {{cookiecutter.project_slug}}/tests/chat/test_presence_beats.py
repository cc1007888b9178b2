"""What a beat of the presence takes, and in which order rooms are told."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Iterable
from typing import Any, cast

import pytest

from app.access.subscription import Audience
from app.core.principal import SYSTEM, Principal, Role
from app.domain.chat.actions import ReportPresence
from app.live.attendance import ROOMS
from app.live.live import Live
from app.live.presence import REST_BEATS, ROOMS_A_BEAT, Presence
from app.runtime.reports import Reports

pytestmark = pytest.mark.anyio


class Service:
    """In place of a Store, and of all else that is live: it keeps what is reported to it."""

    def __init__(self) -> None:
        self.store = self
        self.is_full = False
        self.told: list[tuple[str, ...]] = []
        self.reports = Reports(lambda _: None)
        self.presence = Presence(cast(Live, self))
        self.joined = self.presence.attendance.joined
        self.left = self.presence.attendance.left

    def submit(self, report: ReportPresence, *, by: Principal) -> asyncio.Future[None]:
        """Keep the room and who is in it; or refuse it."""
        assert by == SYSTEM
        answer = asyncio.get_running_loop().create_future()
        if self.is_full:
            answer.set_exception(ValueError("full"))
        else:
            self.told.append((report.room, *report.user_ids))
            answer.set_result(None)
        return answer

    def beat(self, times: int = 1) -> list[tuple[str, ...]]:
        """What is told in so many beats."""
        for _ in range(times):
            self.presence.beat()
        told, self.told = self.told, []
        return told

    def says(self, node: str, rooms: dict[str, Any]) -> None:
        """Another node has reported these rooms."""
        self.reports.hear({"about": "presence", "node": node, "facts": rooms})

    @property
    def kept(self) -> dict[str, Any]:
        """What the presence keeps, but for its clock and its Store."""
        kept = {**vars(self.presence), **vars(self.presence.attendance)}
        kept.update(vars(kept.pop("_turns")))
        return {name: value for name, value in kept.items() if name.startswith("_") and value}


@pytest.fixture
def service() -> Service:
    return Service()


def hearing(name: str, topics: Iterable[str]) -> Audience:
    return Audience(Principal(name, Role.CUSTOMER), frozenset(topics))


def presence_of(rooms: Iterable[str]) -> list[str]:
    return [f"presence:{room}" for room in rooms]


def calls(work: Callable[[], object]) -> int:
    """How many functions this calls: it takes as long, on whatever machine."""
    counted = 0

    def count(frame: object, event: str, argument: object) -> None:
        nonlocal counted
        counted += event == "call"

    sys.setprofile(count)
    try:
        work()
    finally:
        sys.setprofile(None)
    return counted


async def test_a_beat_takes_as_long_as_what_is_new_however_many_rooms_are_asked_for(
    service: Service,
) -> None:
    many = [f"room-{number}" for number in range(20 * ROOMS_A_BEAT)]
    service.joined(hearing("bob", [f"chat:{room}" for room in many]))
    service.joined(hearing("alice", presence_of(many)))
    assert len(service.beat(30)) == len(many)

    idle = calls(service.presence.beat)
    service.joined(hearing("carol", ["chat:room-7"]))
    busy = calls(service.presence.beat)

    assert service.told == [("room-7", "bob", "carol")]
    assert idle < 100
    assert busy < 100 + 5 * ROOMS, "other nodes are told of so many"


async def test_one_who_asks_for_ever_more_rooms_makes_nobody_else_wait(service: Service) -> None:
    service.joined(hearing("alice", ["presence:lobby"]))
    service.beat(REST_BEATS)

    for beat in range(20):
        rooms = presence_of(f"eve-{beat}-{number}" for number in range(5 * ROOMS_A_BEAT))
        service.joined(hearing("eve", rooms))
        if beat % REST_BEATS == 0:
            service.joined(hearing(f"user-{beat:02}", ["chat:lobby"]))
            told = service.beat()
            assert [room for room, *_ in told].count("lobby") == 1
            assert len(told) == ROOMS_A_BEAT
        else:
            assert len(service.beat()) == ROOMS_A_BEAT


async def test_whoever_asks_for_all_is_told_of_all_soon_and_again_for_the_next(
    service: Service,
) -> None:
    rooms = {f"room-{number}" for number in range(ROOMS_A_BEAT)}
    service.joined(hearing("bob", [f"chat:{room}" for room in rooms]))
    service.says("another", {"far": [["zoe"], 0]})

    for name in "alice", "carol":
        service.joined(hearing(name, ["presence"]))
        told = service.beat(3 + REST_BEATS)
        assert {room for room, *_ in told} == {*rooms, "far"}
        assert ("far", "zoe") in told
    service.left(hearing("bob", [f"chat:{room}" for room in rooms]))
    assert {*service.beat(2)} == {(room,) for room in rooms}


async def test_what_other_nodes_say_is_told_when_it_changes(service: Service) -> None:
    service.joined(hearing("alice", ["presence:lobby", "chat:lobby"]))
    assert service.beat() == [("lobby", "alice")]

    service.says("second", {"lobby": [["bob"], 0], "attic": [["bob"], 0]})
    service.says("third", {"lobby": [["carol"], 0]})
    assert service.beat(REST_BEATS) == [("lobby", "alice", "bob", "carol")]
    service.says("third", {"lobby": [["carol"], 0]})
    assert service.beat(REST_BEATS) == []
    service.says("second", {})
    assert service.beat(REST_BEATS) == [("lobby", "alice", "carol")]


async def test_a_report_that_was_refused_is_given_again(service: Service) -> None:
    service.joined(hearing("alice", ["presence:lobby", "chat:lobby"]))
    service.is_full = True
    assert service.beat() == []
    await asyncio.sleep(0)

    service.is_full = False
    assert service.beat(REST_BEATS) == [("lobby", "alice")]


async def test_nothing_is_kept_of_rooms_that_nobody_asks_for(service: Service) -> None:
    before = {*service.kept}
    everywhere = hearing("dan", ["presence"])
    for turn in range(3):
        here = hearing("bob", [f"chat:{turn}-{number}" for number in range(50)])
        asking = hearing("alice", presence_of(f"{turn}-{number}" for number in range(80)))
        for audience in here, asking, everywhere:
            service.joined(audience)
        service.beat(REST_BEATS)
        for audience in asking, here, everywhere:
            service.left(audience)
            service.beat(2 * REST_BEATS)
    assert {*service.kept} == before | {"_beats"}
