"""A list that is never changed: adding to it gives a new one, and the old one stays."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Generic, TypeVar

T = TypeVar("T")

CHUNK = 256


@dataclass(frozen=True, slots=True)
class Sequence(Generic[T]):
    """Values by position, from 0; adding one copies at most a chunk and the list of chunks.

    It takes 8 bytes a value, where a persistent map by number takes 140.
    """

    full: tuple[tuple[T, ...], ...] = ()
    last: tuple[T, ...] = ()

    def __len__(self) -> int:
        return len(self.full) * CHUNK + len(self.last)

    def __getitem__(self, position: int) -> T:
        chunk, place = divmod(position, CHUNK)
        return self.full[chunk][place] if chunk < len(self.full) else self.last[place]

    def __iter__(self) -> Iterator[T]:
        return self.after(0)

    @classmethod
    def of(cls, values: Iterable[T]) -> Sequence[T]:
        """These values."""
        rest = iter(values)
        full: list[tuple[T, ...]] = []
        while len(chunk := tuple(islice(rest, CHUNK))) == CHUNK:
            full.append(chunk)
        return cls(tuple(full), chunk)

    def added(self, value: T) -> Sequence[T]:
        """These values and one more."""
        last = (*self.last, value)
        return Sequence((*self.full, last)) if len(last) == CHUNK else Sequence(self.full, last)

    def after(self, position: int) -> Iterator[T]:
        """Values in order, from `position` on."""
        for later in range(max(position, 0), len(self)):
            yield self[later]

    def newest_first(self) -> Iterator[T]:
        """Values from the last to the first."""
        for earlier in range(len(self) - 1, -1, -1):
            yield self[earlier]
