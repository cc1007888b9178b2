"""Which rooms of the chat the clients of this process are in, and who wants to know."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from heapq import nlargest, nsmallest
from typing import NamedTuple

import orjson
import structlog

from app.access.subscription import Audience
from app.domain.chat.actions import NAMED
from app.domain.ids import LETTERS_DIGITS_AND_MARKS
from app.domain.policy import may_hear

CHAT, PRESENCE = "chat", "presence"
ROOM_CHARACTERS = 64
# Other nodes are told of so many rooms, those with the most users, within so many bytes: an
# announcement has 128 KiB.
ROOMS, REPORT_BYTES = 1_000, 100_000

log = structlog.get_logger(__name__)


class Present(NamedTuple):
    """Who is in a room: the first by name, and how many more."""

    user_ids: tuple[str, ...] = ()
    more: int = 0


class Attendance:
    """Counts connections by what they have named: it watches the hub.

    Whoever names `chat:{room}` is in the room, and whoever hears all of the chat is in none. A user
    with several connections is there until the last of them has gone.
    """

    def __init__(self) -> None:
        self._users: dict[str, Counter[str]] = {}
        self._asked: Counter[str] = Counter()
        self._newcomers: set[str] = set()
        self._touched: set[str] = set()
        self._present: dict[str, Present] = {}
        self.report: Mapping[str, Sequence[object]] = {}
        self._is_whole = True

    @property
    def asked(self) -> Set[str]:
        """The topics of presence that clients hear."""
        return self._asked.keys()

    def joined(self, audience: Audience) -> None:
        """A client is in these rooms, and wants to know who is there."""
        topics = _granted(audience)
        for room in _entered(audience, topics):
            self._users.setdefault(room, Counter())[audience.principal.name] += 1
            self._touched.add(room)
        for topic in of_presence(topics):
            self._asked[topic] += 1
            self._newcomers.add(topic)

    def left(self, audience: Audience) -> None:
        """It is no more."""
        topics = _granted(audience)
        for room in _entered(audience, topics):
            _take_one(self._users[room], audience.principal.name)
            if not self._users[room]:
                del self._users[room]
            self._touched.add(room)
        for topic in of_presence(topics):
            _take_one(self._asked, topic)

    def newcomers(self) -> Set[str]:
        """The topics of presence that somebody hears who did not when this was last asked."""
        newcomers, self._newcomers = self._newcomers, set()
        return newcomers

    def present(self) -> Mapping[str, Present]:
        """Who is in each room by a connection of this process.

        `report` is then as much of it as other nodes are told; they miss the emptiest rooms.
        """
        for room in self._touched:
            self._present.pop(room, None)
            if users := self._users.get(room):
                self._present[room] = listed(users)
        if self._touched:
            self._touched.clear()
            self._make_report()
        return self._present

    def _make_report(self) -> None:
        was_whole, self.report = self._is_whole, dict(_fitting(self._present))
        self._is_whole = len(self.report) == len(self._present)
        if was_whole and not self._is_whole:
            rooms = len(self._present) - len(self.report)
            log.warning("other nodes are not told who is in the emptiest rooms", rooms=rooms)


def listed(users: Iterable[str], more: int = 0) -> Present:
    """So many of different users as are shown, and how many are not."""
    names = set(users)
    shown = nsmallest(NAMED, names)
    return Present(tuple(shown), more + len(names) - len(shown))


def together(nodes: Iterable[Present]) -> Present:
    """Who is in a room by a connection of any node.

    A user who is beyond the first of two nodes counts twice among `more`.
    """
    found = list(nodes)
    names = {name for present in found for name in present.user_ids}
    return listed(names, sum(present.more for present in found))


def rooms_of(name: str, topics: Iterable[str]) -> Iterator[str]:
    """The rooms that are named by `name:room`, as far as there can be such rooms."""
    for topic in topics:
        root, _, room = topic.partition(":")
        is_room = len(room) <= ROOM_CHARACTERS and LETTERS_DIGITS_AND_MARKS.fullmatch(room)
        if root == name and is_room:
            yield room


def of_presence(topics: Iterable[str]) -> Set[str]:
    """Those of the topics that are of presence: of a room's, or of that in all rooms."""
    return {topic for topic in topics if topic.split(":", 1)[0] == PRESENCE}


def _granted(audience: Audience) -> Sequence[str]:
    return [topic for topic in audience.topics or () if may_hear(audience.principal, topic)]


def _entered(audience: Audience, topics: Iterable[str]) -> Iterator[str]:
    return rooms_of(CHAT, topics if audience.is_present else ())


def _take_one(counter: Counter[str], name: str) -> None:
    counter[name] -= 1
    if not counter[name]:
        del counter[name]


def _fitting(rooms: Mapping[str, Present]) -> Iterator[tuple[str, Sequence[object]]]:
    fullest = nlargest(ROOMS, rooms.items(), key=lambda item: len(item[1].user_ids) + item[1].more)
    size = 0
    for room, present in fullest:
        facts = [*present]  # what JSON can say
        size += len(orjson.dumps({room: facts}))
        if size > REPORT_BYTES:
            return
        yield room, facts
