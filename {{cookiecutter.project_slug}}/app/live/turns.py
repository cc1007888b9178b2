"""Rooms that have to be looked at: whoever brings up many makes nobody else wait for them."""

from __future__ import annotations

from collections import OrderedDict, defaultdict


class Turns:
    """Those who have brought up rooms take turns, each with one room, the one that waits longest.

    A room that several have brought up is taken once, as soon as it is the turn of one of them.
    """

    def __init__(self) -> None:
        self._rooms: OrderedDict[str, OrderedDict[str, None]] = OrderedDict()
        self._by: defaultdict[str, set[str]] = defaultdict(set)

    def __len__(self) -> int:
        """How many rooms wait."""
        return len(self._by)

    def add(self, by: str, room: str) -> None:
        """It has been brought up by this one; said again, it keeps its place."""
        self._rooms.setdefault(by, OrderedDict())[room] = None
        self._by[room].add(by)

    def drop(self, room: str) -> None:
        """It has not to be looked at any more, whoever has brought it up."""
        for by in self._by.pop(room, ()):
            del self._rooms[by][room]
            if not self._rooms[by]:
                del self._rooms[by]

    def take(self, most: int) -> list[str]:
        """The next rooms, at most so many."""
        return [self._next() for _ in range(min(most, len(self._by)))]

    def _next(self) -> str:
        by, rooms = next(iter(self._rooms.items()))
        self._rooms.move_to_end(by)
        room = next(iter(rooms))
        self.drop(room)
        return room
