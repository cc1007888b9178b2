"""Takes things together, so many at a time."""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TypeVar

T = TypeVar("T")


def batched(items: Iterable[T], size: int) -> Iterator[list[T]]:
    """Lists of `size`, the last of what is left: itertools has it from Python 3.12 on."""
    rest = iter(items)
    while some := list(islice(rest, size)):
        yield some
