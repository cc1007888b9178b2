"""Clients that hear the same: they are written to in one loop, and counted once for all."""

from __future__ import annotations

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from typing import Protocol

from app.live.message import Outgoing
from app.live.port import Connection


class Hearer(Protocol):
    """A client that hears what happens."""

    @property
    def connection(self) -> Connection:
        """Where it is written to."""

    def count(self, messages: int, size: int) -> None:
        """So many messages, of so many bytes, went to it; or they did not, if less than none."""


class Crowd:
    """Every client of one audience.

    Its totals are of what was sent to each of them. A client's own count is reduced by them when it
    joins, and raised by them when it leaves, so that nobody is counted while messages are sent.
    """

    __slots__ = ("_hearers", "_messages", "_size")

    def __init__(self) -> None:
        self._hearers: set[Hearer] = set()
        self._messages = self._size = 0

    def __len__(self) -> int:
        return len(self._hearers)

    def add(self, hearer: Hearer) -> None:
        """It is here from now on."""
        if hearer not in self._hearers:
            self._hearers.add(hearer)
            hearer.count(-self._messages, -self._size)

    def remove(self, hearer: Hearer) -> None:
        """It is here no more."""
        if hearer in self._hearers:
            self._hearers.remove(hearer)
            hearer.count(self._messages, self._size)

    def __contains__(self, hearer: Hearer) -> bool:
        return hearer in self._hearers

    def among(self, some: AbstractSet[Hearer]) -> AbstractSet[Hearer]:
        """Those of them who are here."""
        return self._hearers & some

    def tell(self, pieces: Sequence[Outgoing], *, but: AbstractSet[Hearer]) -> None:
        """Write these to everybody but to some of them, who have been told."""
        others = self._hearers - but  # a copy, too: one that is too slow leaves meanwhile
        for piece in pieces:
            self._messages += piece.count
            self._size += piece.size
            for hearer in but:
                hearer.count(-piece.count, -piece.size)
            for hearer in others:
                hearer.connection.write(piece)
