"""The one stream of events that every client has to hear, byte for byte, kept once for all."""

from __future__ import annotations

from bisect import bisect_right

SEQ = b',"seq":'


class Stream:
    """The frames of all events, in the order in which they came to whoever heard them first.

    Everybody else is compared with it. Whether it is what the log has is looked at in the end.
    """

    def __init__(self) -> None:
        self.frames = bytearray()
        self._ends: list[int] = []
        self._seqs: list[int] = []

    def __len__(self) -> int:
        return len(self.frames)

    def hear(self, at: int, frame: bytes) -> int:
        """Where whoever has heard all before `at` stands after this event.

        Raises ValueError if it is not the next one.
        """
        if at < len(self.frames):
            if not self.frames.startswith(frame, at):
                raise ValueError(f"after {self.seq(at)} came {frame!r}")
        else:
            begin = frame.rindex(SEQ) + len(SEQ)
            seq = int(frame[begin:].partition(b",")[0].rstrip(b"}"))
            if seq <= self.seq(at):
                raise ValueError(f"{seq} came after {self.seq(at)}")
            self.frames += frame
            self._ends.append(len(self.frames))
            self._seqs.append(seq)
        return at + len(frame)

    def seq(self, at: int) -> int:
        """The position of the last event that is whole before `at`; 0 is before the first."""
        whole = bisect_right(self._ends, at)
        return self._seqs[whole - 1] if whole else 0

    def begin(self, at: int) -> int:
        """Where the frame begins of which some has come before `at`."""
        whole = bisect_right(self._ends, at)
        return self._ends[whole - 1] if whole else 0
