"""Lists over HTTP: how much is asked for and from where on, and what a page looks like."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import islice
from typing import Annotated, Generic, TypeAlias, TypeVar

from annotated_types import Ge, Le
from fastapi import Query

Limit: TypeAlias = Annotated[int, Ge(1), Le(1000), Query(description="so many at most")]
# Pages by number begin after 0; those by name after the empty one.
AfterNumber: TypeAlias = Annotated[int, Ge(0), Query(description="the `next` of the page before")]
AfterName: TypeAlias = Annotated[str, Query(description="the `next` of the page before")]

# What all things on a page may take together, about: one page must not hold everybody up.
PAGE_BYTES = 1_000_000

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """A page of a list; `next` is the `after` of the next page, if any."""

    items: list[T]
    next: int | str | None


def page_of(items: Iterable[T], limit: int, name: Callable[[T], int | str]) -> Page[T]:
    """The first of them; `next` is the `name` of the last one of these, if there are more."""
    found = list(islice(items, limit + 1))  # one more tells whether there are more
    return Page(found[:limit], name(found[limit - 1]) if len(found) > limit else None)
