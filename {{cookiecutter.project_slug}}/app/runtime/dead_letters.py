"""Which effects have failed for good, in the order in which they did: an immutable value."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from rpds import HashTrieMap

ENDS = ""  # no origin: it stands before the first, and after the last


@dataclass(frozen=True, slots=True)
class DeadLetters:
    """Origins, each with the one that died before it and the one that died after it.

    Any of them may go, and the next ones are found without a look at all the others.
    """

    beside: HashTrieMap[str, tuple[str, str]] = HashTrieMap({ENDS: (ENDS, ENDS)})

    def __len__(self) -> int:
        return len(self.beside) - 1

    def __iter__(self) -> Iterator[str]:
        return self.after(None)

    def after(self, origin: str | None) -> Iterator[str]:
        """Those that died after this one; all, if it is none of them."""
        at = ENDS if origin is None or origin not in self.beside else origin
        while (at := self.beside[at][1]) != ENDS:
            yield at

    def added(self, origin: str) -> DeadLetters:
        """These and one that dies now."""
        others = self.without(origin)
        last, _ = others.beside[ENDS]
        return others._side_by_side(last, origin)._side_by_side(origin, ENDS)

    def without(self, origin: str) -> DeadLetters:
        """These but this one, if it is one of them."""
        if origin not in self.beside:
            return self
        before, after = self.beside[origin]
        return DeadLetters(self.beside.remove(origin))._side_by_side(before, after)

    def _side_by_side(self, before: str, after: str) -> DeadLetters:
        earliest, _ = self.beside.get(before, (ENDS, ENDS))
        beside = self.beside.insert(before, (earliest, after))
        _, latest = beside.get(after, (ENDS, ENDS))
        return DeadLetters(beside.insert(after, (before, latest)))
