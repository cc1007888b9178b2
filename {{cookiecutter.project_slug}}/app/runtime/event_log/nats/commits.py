"""The log as a stream has it: each message is what one append has stored."""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import orjson

from app.core.rejected import StartRefused
from app.runtime.event_log.nats.connection import Unanswered
from app.runtime.event_log.nats.stream import Stored, Stream
from app.runtime.event_log.port import Entry, LogUnavailable

COMMITS_A_READ = 500
# The leader is asked for each by itself: so many at a time, when no replica gives a batch of them.
COMMITS_AT_ONCE = 16
SECONDS_WITHOUT_BATCHES = 15.0
# Places that are remembered: whoever reads on is found at one of them.
PLACES = 1_024


class Commit(NamedTuple):
    """A message: its sequence, the position the log ends at by it, and its entries.

    One without entries says only that nothing else came before it.
    """

    sequence: int
    end: int
    entries: Sequence[Entry]


class Commits:
    """What is stored, and where; `last` is the newest that this node has seen.

    While the stream `lacks` that, it is not known whether what comes next follows from it.
    """

    def __init__(self, stream: Stream) -> None:
        self.last = Commit(0, 0, ())
        self.lacks = False
        self._stream = stream
        self._batches_from = 0.0
        self._next: OrderedDict[int, int] = OrderedDict()  # sequence of what follows a position

    async def look(self) -> Commit:
        """The last commit there is, as the stream's leader says; raises LogUnavailable.

        And StartRefused when what was seen is not what is there.
        """
        seen = self.last.sequence
        stored = await self._stream.last()
        if stored is None or stored.sequence < seen:
            # It may not know that it is the leader no more. If it stays so, a server lost data.
            self.lacks = True
            end = stored.sequence if stored is not None else 0
            words = f"the stream {self._stream.name} ends at {end}, and was seen to end at {seen}"
            raise LogUnavailable(self._stream.words(words))
        if self.lacks:
            await self._require_seen()
        return self.know(stored)

    async def _require_seen(self) -> None:
        """Raises StartRefused when others have written on where the stream had lost its end."""
        seen, stored = self.last, await self._stream.at(self.last.sequence)
        there = None if stored is None else _commit_of(stored)
        if there is None or (there.end, there.entries) != (seen.end, list(seen.entries)):
            raise StartRefused(self._stream.words("it was replaced by another log"))
        self.lacks = False

    async def publish(self, end: int, entries: Sequence[Entry], expected: int) -> Commit:
        """Store a commit after the one of sequence `expected`; raises what Stream.publish does."""
        data = orjson.dumps({"end": end, "entries": [list(entry) for entry in entries]})
        sequence = await self._stream.publish(data, expected)
        return self._known(Commit(sequence, end, entries))

    def know(self, stored: Stored) -> Commit:
        """The commit that is in a message of the stream."""
        return self._known(_commit_of(stored))

    async def read(self, after: int, limit: int, last: Commit) -> Sequence[Entry]:
        """Entries from the one after a position to those of `last`; raises LogUnavailable."""
        found: list[Entry] = []
        sequence = await self._sequence_after(after, last)
        while len(found) < limit and sequence <= last.sequence:
            count = min(limit, last.sequence - sequence)
            commits = await self._some(sequence, count) if count else [last]
            for commit in commits:
                found.extend(entry for entry in commit.entries if entry.position > after)
            sequence = commits[-1].sequence + 1
        return found[:limit]

    async def _sequence_after(self, after: int, last: Commit) -> int:
        """Where the position after this one is, or what leads to it."""
        known = 1 if after == 0 else self._next.get(after)
        if known is not None:
            return known
        low, high = 1, last.sequence
        while low < high:
            middle = (low + high) // 2
            if (await self._at(middle)).end > after:
                high = middle
            else:
                low = middle + 1
        return low

    async def _some(self, sequence: int, count: int) -> Sequence[Commit]:
        """Commits from one on, which there are: from a replica when it has them, or the leader.

        Whatever a replica has was stored by a majority, and does not change.
        """
        if count > COMMITS_AT_ONCE and time.monotonic() >= self._batches_from:
            try:
                stored = await self._stream.some(sequence, min(count, COMMITS_A_READ))
            except Unanswered:
                self._batches_from = time.monotonic() + SECONDS_WITHOUT_BATCHES
            else:
                if unbroken := [self.know(each) for each in _unbroken(sequence, stored)]:
                    return unbroken
        wanted = range(sequence, sequence + min(count, COMMITS_AT_ONCE))
        return await asyncio.gather(*(self._at(each) for each in wanted))

    async def _at(self, sequence: int) -> Commit:
        stored = await self._stream.at(sequence)
        if stored is None:
            await self.look()  # raises if whoever answers now has not come so far, or has lost it
            stored = await self._stream.at(sequence)
        if stored is None:
            words = f"message {sequence} of the stream {self._stream.name} is missing"
            raise StartRefused(self._stream.words(words))
        return self.know(stored)

    def _known(self, commit: Commit) -> Commit:
        if commit.sequence > self.last.sequence and not self.lacks:
            self.last = commit
        self._next[commit.end] = commit.sequence + 1
        if len(self._next) > PLACES:
            self._next.popitem(last=False)
        return commit


def _commit_of(stored: Stored) -> Commit:
    found = orjson.loads(stored.data)
    entries = [Entry._make(entry) for entry in found["entries"]]
    return Commit(stored.sequence, found["end"], entries)


def _unbroken(first: int, stored: Sequence[Stored]) -> Iterator[Stored]:
    for number, each in enumerate(stored):
        if each.sequence != first + number:
            return
        yield each
