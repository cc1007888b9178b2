"""Which rooms of the chat the clients of this process are in, and who wants to know."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from heapq import nsmallest
from itertools import islice
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
        self._asked_for_all = 0
        self.newcomers: set[str] = set()
        self.has_newcomer_to_all = False
        self._news: dict[tuple[str, str], None] = {}
        self._touched: set[str] = set()
        self._present: dict[str, Present] = {}
        self._by_size: defaultdict[int, dict[str, None]] = defaultdict(dict)
        self.report: Mapping[str, Sequence[object]] = {}
        self._is_whole = True

    @property
    def asks_for_all(self) -> bool:
        """Whether some client wants to know of every room."""
        return self._asked_for_all > 0

    def is_asked(self, room: str) -> bool:
        """Whether some client has named the presence of this room."""
        return room in self._asked

    def joined(self, audience: Audience) -> None:
        """A client is in these rooms, and wants to know who is there.

        Rooms that it wants to know of are among the `newcomers` until somebody takes them out.
        """
        name, topics = audience.principal.name, _granted(audience)
        for room in _entered(audience, topics):
            self._users.setdefault(room, Counter())[name] += 1
            self._touch(name, room)
        for room in rooms_of(PRESENCE, topics):
            self._asked[room] += 1
            self.newcomers.add(room)
            self._news[name, room] = None
        if PRESENCE in topics:
            self._asked_for_all += 1
            self.has_newcomer_to_all = True

    def left(self, audience: Audience) -> None:
        """It is no more."""
        name, topics = audience.principal.name, _granted(audience)
        for room in _entered(audience, topics):
            _take_one(self._users[room], name)
            if not self._users[room]:
                del self._users[room]
            self._touch(name, room)
        for room in rooms_of(PRESENCE, topics):
            _take_one(self._asked, room)
            if not self.is_asked(room):
                self.newcomers.discard(room)
                self._news[name, room] = None
        if PRESENCE in topics:
            self._asked_for_all -= 1

    def news(self) -> Iterable[tuple[str, str]]:
        """Who has come, gone or asked, and in which room, since this was last asked."""
        news, self._news = self._news, {}
        return news

    def present(self) -> Mapping[str, Present]:
        """Who is in each room by a connection of this process.

        `report` is then as much of it as other nodes are told; they miss the emptiest rooms.
        """
        for room in self._touched:
            self._list(room)
        if self._touched:
            self._touched.clear()
            self._make_report()
        return self._present

    def _touch(self, name: str, room: str) -> None:
        self._touched.add(room)
        self._news[name, room] = None

    def _list(self, room: str) -> None:
        if before := self._present.pop(room, None):
            size = _size(before)
            del self._by_size[size][room]
            if not self._by_size[size]:
                del self._by_size[size]
        if users := self._users.get(room):
            self._present[room] = now = listed(users)
            self._by_size[_size(now)][room] = None

    def _make_report(self) -> None:
        was_whole, self.report = self._is_whole, dict(_fitting(self._fullest_first()))
        self._is_whole = len(self.report) == len(self._present)
        if was_whole and not self._is_whole:
            rooms = len(self._present) - len(self.report)
            log.warning("other nodes are not told who is in the emptiest rooms", rooms=rooms)

    def _fullest_first(self) -> Iterator[tuple[str, Present]]:
        for size in sorted(self._by_size, reverse=True):
            for room in self._by_size[size]:
                yield room, self._present[room]


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


def _granted(audience: Audience) -> Sequence[str]:
    return [topic for topic in audience.topics or () if may_hear(audience.principal, topic)]


def _entered(audience: Audience, topics: Iterable[str]) -> Iterator[str]:
    return rooms_of(CHAT, topics if audience.is_present else ())


def _take_one(counter: Counter[str], name: str) -> None:
    counter[name] -= 1
    if not counter[name]:
        del counter[name]


def _size(present: Present) -> int:
    return len(present.user_ids) + present.more


def _fitting(rooms: Iterator[tuple[str, Present]]) -> Iterator[tuple[str, Sequence[object]]]:
    size = 0
    for room, present in islice(rooms, ROOMS):
        facts = [*present]  # what JSON can say
        size += len(orjson.dumps({room: facts}))
        if size > REPORT_BYTES:
            return
        yield room, facts
