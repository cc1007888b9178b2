"""Who hears a topic: each audience is asked once about it, and the answer is remembered."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple, TypeAlias

from app.access.subscription import Audience
from app.live.crowd import Crowd, Hearer

# What is remembered takes some 20 MB at most, and what would be more begins anew.
KNOWN_TOPICS, KNOWN_ANSWERS = 50_000, 1_000_000
EMPTY_CROWDS = 1_000

# A topic's name, and whether it is of an ephemeral event.
Topic: TypeAlias = tuple[str, bool]


class Known(NamedTuple):
    """The crowds that hear a topic, among so many that were asked."""

    crowds: list[Crowd]
    asked: int


class Crowds:
    """Every crowd by its audience, in the order in which they came.

    A crowd that has become empty keeps its place for a while: whoever comes back finds it, and
    nobody else is asked anew. So a client that comes or goes costs the others nothing.
    """

    def __init__(self) -> None:
        self._by_audience: dict[Audience, Crowd] = {}
        self._in_order: list[tuple[Audience, Crowd]] = []
        self._empty = 0
        self._by_topic: dict[Topic, Known] = {}
        self._answers = 0

    def __iter__(self) -> Iterator[Audience]:
        return (audience for audience, crowd in self._in_order if crowd)

    def add(self, hearer: Hearer, audience: Audience) -> bool:
        """It is among this audience from now on; whether it was not before."""
        crowd = self._by_audience.get(audience)
        if crowd is None:
            crowd = self._by_audience[audience] = Crowd()
            self._in_order.append((audience, crowd))
        elif hearer in crowd:
            return False
        elif not crowd:
            self._empty -= 1
        crowd.add(hearer)
        return True

    def remove(self, hearer: Hearer, audience: Audience) -> bool:
        """It is so no more; whether it was before."""
        crowd = self._by_audience.get(audience)
        if crowd is None or hearer not in crowd:
            return False
        crowd.remove(hearer)
        if not crowd:
            self._empty += 1
            if self._empty > max(EMPTY_CROWDS, len(self._in_order) // 2):
                self._forget_the_empty()
        return True

    def hearing(self, topic: str, *, ephemeral: bool) -> Sequence[Crowd]:
        """Those who hear it, and perhaps some that are empty; valid until the next `add`."""
        known = self._by_topic.get((topic, ephemeral))
        crowds, asked = known or Known([], 0)
        if asked < len(self._in_order):
            newer = self._in_order[asked:]
            found = [each for who, each in newer if who.hears(topic, ephemeral=ephemeral)]
            crowds += found
            self._answers += len(found)
            is_one_more = known is None and len(self._by_topic) >= KNOWN_TOPICS
            if is_one_more or self._answers > KNOWN_ANSWERS:
                self._by_topic.clear()
                self._answers = len(crowds)
            self._by_topic[topic, ephemeral] = Known(crowds, len(self._in_order))
        return crowds

    def _forget_the_empty(self) -> None:
        self._in_order = [(who, crowd) for who, crowd in self._in_order if crowd]
        self._by_audience = dict(self._in_order)
        self._empty = 0
        self._by_topic.clear()
        self._answers = 0
