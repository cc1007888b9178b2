"""A list that is never changed: adding to it gives a new one, and the old one stays."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")

CHUNK = 32


@dataclass(frozen=True, slots=True)
class PersistentList(Generic[T]):
    """Values by position, from 0: in full blocks of chunks, in full chunks, and the last few.

    Adding one copies a chunk, seldom more. It takes 10 bytes a value, where a persistent map by
    number takes 140.
    """

    blocks: tuple[tuple[tuple[T, ...], ...], ...] = ()
    chunks: tuple[tuple[T, ...], ...] = ()
    last: tuple[T, ...] = ()

    def __len__(self) -> int:
        return (len(self.blocks) * CHUNK + len(self.chunks)) * CHUNK + len(self.last)

    def __getitem__(self, position: int) -> T:
        if not 0 <= position < len(self):
            raise IndexError(f"there is no value {position} among {len(self)}")
        number, place = divmod(position, CHUNK)
        block, number = divmod(number, CHUNK)
        chunks = self.blocks[block] if block < len(self.blocks) else self.chunks
        return chunks[number][place] if number < len(chunks) else self.last[place]

    def __iter__(self) -> Iterator[T]:
        return self.after(0)

    @classmethod
    def of(cls, values: Iterable[T]) -> PersistentList[T]:
        """These values."""
        full, last = _cut(tuple(values))
        blocks, chunks = _cut(full)
        return cls(blocks, chunks, last)

    def added(self, value: T) -> PersistentList[T]:
        """These values and one more."""
        last = (*self.last, value)
        if len(last) < CHUNK:
            return PersistentList(self.blocks, self.chunks, last)
        chunks = (*self.chunks, last)
        if len(chunks) < CHUNK:
            return PersistentList(self.blocks, chunks)
        return PersistentList((*self.blocks, chunks))

    def after(self, position: int) -> Iterator[T]:
        """Values in order, from `position` on."""
        for later in range(max(position, 0), len(self)):
            yield self[later]

    def newest_first(self) -> Iterator[T]:
        """Values from the last to the first."""
        for earlier in range(len(self) - 1, -1, -1):
            yield self[earlier]


def _cut(values: tuple[T, ...]) -> tuple[tuple[tuple[T, ...], ...], tuple[T, ...]]:
    """Full pieces of them, and what is left."""
    end = len(values) - len(values) % CHUNK
    return tuple(values[begin : begin + CHUNK] for begin in range(0, end, CHUNK)), values[end:]
