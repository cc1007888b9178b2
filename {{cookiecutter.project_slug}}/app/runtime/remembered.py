"""The commands that clients gave an id, so that one that is sent twice is done once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from rpds import HashTrieMap

# The role and the name of the principal, and the id.
Key: TypeAlias = tuple[str, str, str]

# About 300 bytes each; two maps of this size are kept at most.
MOST = 250_000


@dataclass(frozen=True, slots=True)
class Remembered:
    """Where in the log each (role, name, id) begins, for one to two times the window.

    Two maps: when the young one is as old as the window, it becomes the old one, and what the old
    one held is forgotten. `turned` is when that was last so, in microseconds since 1970, UTC.
    """

    young: HashTrieMap[Key, int] = HashTrieMap()
    old: HashTrieMap[Key, int] = HashTrieMap()
    turned: int = 0

    def get(self, key: Key) -> int | None:
        """The position of the first entry of the command, if it is remembered."""
        found = self.young.get(key)
        return found if found is not None else self.old.get(key)

    def added(self, key: Key, position: int, *, now: int, window: int) -> Remembered:
        """These and one more; `window` is in microseconds."""
        young, old, turned = self.young, self.old, self.turned
        if now - turned > window or len(young) >= MOST:
            young, old, turned = HashTrieMap(), young, now
        return Remembered(young.insert(key, position), old, turned)
