"""What all clients hear: the service's frames, in order, each read by the first to hear it.

Everybody is sent the same bytes, so that whoever comes second only has to compare.
"""

from __future__ import annotations

import json
from array import array
from bisect import bisect_left, bisect_right
from itertools import accumulate

BUCKETS_A_SECOND = 100_000
LONGEST_SECONDS = 20


class Stream:
    """The frames so far, and where among them the event of each command ends.

    They are kept to the end: about 200 bytes an event.
    """

    def __init__(self, name: str) -> None:
        """`name` is that of this run: the commands' ids are `name-0`, `name-1` …; 0 begins it."""
        self._name = name
        self._cause = f'"cause":"{name}-'.encode()
        self.wire = bytearray()
        self.edges: array[int] = array("q")
        """Where every frame ends."""
        self.ends: array[int] = array("q")
        """For every command the end of its first event's frame."""
        self.asked: list[float] = []
        """When each was sent, in seconds of a clock."""
        self.buckets = [0] * (BUCKETS_A_SECOND * LONGEST_SECONDS + 1)
        """How many events have taken so long: the last bucket has all that took longer."""
        self.longest = 0.0
        self._seq = 0

    def id(self, number: int) -> str:
        """The id of a command."""
        return f"{self._name}-{number}"

    def told(self, frame: bytes) -> tuple[int | None, int]:
        """Which command an event comes from, if it is one of this run's, and its `seq`."""
        if self._cause not in frame:
            return None, 0
        message = json.loads(frame[frame.index(b"{") :])
        return int(message["cause"].rpartition("-")[2]), message.get("seq") or 0

    def take(self, frame: bytes) -> bool:
        """The next one; False when it is not: it leaves a command out, or one is there again."""
        number, seq = self.told(frame)
        if number is not None:
            if 0 < seq <= self._seq or number not in (len(self.ends) - 1, len(self.ends)):
                return False
            self._seq = seq
        self.wire += frame
        self.edges.append(len(self.wire))
        if number == len(self.ends):
            self.ends.append(len(self.wire))
        return True

    def heard(self, at: int) -> int:
        """The first events of how many commands lie before this place."""
        return bisect_right(self.ends, at)

    def begin_of_frame(self, at: int) -> int:
        """Where the frame begins that this place lies in, or the next one."""
        passed = bisect_right(self.edges, at)
        return self.edges[passed - 1] if passed else 0

    def note(self, first: int, last: int, now: float) -> None:
        """A client has heard the events of the commands from `first` to `last`."""
        buckets, moments = self.buckets, self.asked[max(first, 1) : last]  # 0 only begins it
        if not moments:
            return
        longest = now - moments[0]
        if longest > self.longest:
            self.longest = longest
        if longest >= LONGEST_SECONDS:
            moments = [max(asked, now - LONGEST_SECONDS) for asked in moments]
        for asked in moments:
            buckets[int((now - asked) * BUCKETS_A_SECOND)] += 1

    def quantiles(self, *parts: float) -> list[float]:
        """The latencies that so large parts of all events have not exceeded, in seconds."""
        reached = list(accumulate(self.buckets))
        buckets = (bisect_left(reached, part * reached[-1]) for part in parts)
        return [min((bucket + 1) / BUCKETS_A_SECOND, self.longest) for bucket in buckets]


def frame_size(data: bytes, at: int) -> int | None:
    """The bytes of a server's frame that begins there; None while its head is not whole.

    A server's frames are not masked (RFC 6455, 5.1, 5.2).
    """
    if len(data) < at + 2:
        return None
    size, head = data[at + 1], 2
    if size == 126:
        size, head = int.from_bytes(data[at + 2 : at + 4], "big"), 4
    elif size == 127:
        size, head = int.from_bytes(data[at + 2 : at + 10], "big"), 10
    return head + size if len(data) >= at + head else None
