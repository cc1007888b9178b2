"""The things that there are, as one immutable value."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

from rpds import HashTrieMap

from app.core.principal import Principal
from app.domain.persistent_list import PersistentList

SHOWN = 100


@dataclass(frozen=True, slots=True)
class Thing:
    """One of the things; add what your events say of it.

    Only Things, below, may have a HashTrieMap: use tuples here.
    """

    thing_id: str
    name: str
    added_at: datetime


@dataclass(frozen=True, slots=True)
class Things:
    """All of them by name; and their names in order, since the map has none."""

    by_name: HashTrieMap[str, Thing] = HashTrieMap()
    names: PersistentList[str] = PersistentList()

    def get(self, name: str) -> Thing | None:
        """The one of this name, or None."""
        return self.by_name.get(name)

    def after(self, number: int) -> Iterator[Thing]:
        """Those after the first `number`, first added first."""
        return (self.by_name[name] for name in self.names.after(number))

    def added(self, added: Thing) -> Things:
        """These and one more. Never change a value: give a new one, as here."""
        by_name = self.by_name.insert(added.name, added)
        return Things(by_name, self.names.added(added.name))


def view(things: Things, principal: Principal) -> list[Thing]:
    """What a client starts from, newest first; leave out what the principal may not see."""
    return [things.by_name[name] for name in islice(things.names.newest_first(), SHOWN)]
