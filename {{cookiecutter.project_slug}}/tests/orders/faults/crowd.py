"""Clients that follow the log through any number of faults, as cheap as a check of each byte is."""

from __future__ import annotations

import asyncio
import socket
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from random import Random
from time import monotonic

from tests.live.transport.peer import CLOSE, PING, PONG, TEXT, frame, request
from tests.orders.faults.stream import Stream

LOOK_SECONDS = 0.05
A_TURN = 50  # then others have theirs: callers, and the lines that are cut
LONGEST_PAUSE = 0.5
MOST_BYTES = 1 << 20
LOST = 1006
END_OF_HEAD = b"\r\n\r\n"
EVENT = b'{"type":"event"'


async def follow(crowd: Sequence[Follower]) -> None:
    """Let each of them take what has come, again and again, until the task is cancelled.

    Nobody waits for any socket: most have something each time, and are not asked for in between.
    """
    turns = [crowd[begin : begin + A_TURN] for begin in range(0, len(crowd), A_TURN)]
    try:
        while True:
            begun = monotonic()
            for number, turn in enumerate(turns, 1):
                for one in turn:
                    one.look(monotonic())
                await asyncio.sleep(begun + LOOK_SECONDS * number / len(turns) - monotonic())
    finally:
        for one in crowd:
            one.close()


class Follower:
    """Hears every event from the log's beginning on, however often it is cut off."""

    def __init__(self, port: Callable[[], int], chance: Random, stream: Stream) -> None:
        self._port = port
        self._chance = chance
        self._stream = stream
        self._socket: socket.socket | None = None
        self._back_at = 0.0
        self._is_asked = self._is_open = False
        self._rest = b""
        self.at = 0
        """How much of the stream it has heard, in bytes."""
        self.epoch = ""
        self.codes: Counter[int] = Counter()
        """How its connections have ended, by the close code; 1006 is without a word."""
        self.problems: list[str] = []
        """What a well-behaved client is never told."""

    @property
    def seq(self) -> int:
        """The position of the last event that it has heard."""
        return self._stream.seq(self.at)

    def look(self, now: float) -> None:
        """Take what has come, or come back when it is time to."""
        try:
            if self._socket is None:
                if now >= self._back_at:
                    self._connect()
            elif not self._is_asked:
                self._ask()
            elif data := self._socket.recv(MOST_BYTES):
                self._hear(data)
            else:
                self.end(LOST)
        except BlockingIOError:
            pass
        except ConnectionError:  # also: nobody is there yet
            self.end(LOST)
        except ValueError as problem:
            self.problems.append(str(problem))
            self.end(LOST)

    def end(self, code: int) -> None:
        """Hang up, and come back in a moment: of a part of a frame nothing has been heard."""
        if self._socket is None:
            return
        self.close()
        if self._is_asked:
            self.codes[code] += 1
        self._is_asked = self._is_open = False
        self._rest = b""
        self.at = self._stream.begin(self.at)
        self._back_at = monotonic() + self._chance.uniform(0.05, LONGEST_PAUSE)

    def close(self) -> None:
        """Hang up."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _connect(self) -> None:
        self._socket = socket.socket()
        self._socket.setblocking(False)
        self._socket.connect_ex(("127.0.0.1", self._port()))

    def _ask(self) -> None:
        assert self._socket is not None
        path = f"/ws?since={self.seq}" + (f"&epoch={self.epoch}" if self.epoch else "")
        self._socket.send(request(path))
        self._is_asked = True

    def _hear(self, data: bytes) -> None:
        if not self._rest and self._is_open and self._stream.frames.startswith(data, self.at):
            self.at += len(data)  # what others have heard next, and nothing else
        else:
            self._read(data)

    def _read(self, data: bytes) -> None:
        """Frame by frame, from the beginning of the one of which some has come."""
        begin = self._stream.begin(self.at)
        data = bytes(self._stream.frames[begin : self.at]) + self._rest + data
        self.at, self._rest, done = begin, data, 0
        if not self._is_open:
            done = data.find(END_OF_HEAD) + len(END_OF_HEAD)
            if done < len(END_OF_HEAD):
                return
            if not data.startswith(b"HTTP/1.1 101 "):  # a node that is about to stop
                self.end(LOST)
                return
            self._is_open = True
        for opcode, payload, end in frames(data, done):
            self._take(opcode, data[payload:end], data[done:end])
            done = end
            if self._socket is None:
                return
        self._rest = data[done:]

    def _take(self, opcode: int, payload: bytes, whole: bytes) -> None:
        """One frame: what is said in it, and all of it."""
        assert self._socket is not None
        if opcode == PING:
            self._socket.send(frame(PONG, payload))
        elif opcode == CLOSE:
            self._socket.send(frame(CLOSE, payload))
            self.end(int.from_bytes(payload[:2], "big"))
        elif opcode == TEXT and payload.startswith(EVENT):
            self.at = self._stream.hear(self.at, whole)
        elif payload.startswith(b'{"type":"subscribed"') and b'"recovered":true' in payload:
            self.epoch = payload.partition(b'"epoch":"')[2].partition(b'"')[0].decode()
        else:
            raise ValueError(f"unasked for: {payload.decode(errors='replace')}")


def frames(data: bytes, at: int) -> Iterator[tuple[int, int, int]]:
    """Of each whole frame from there on: its opcode, where its payload begins, where it ends."""
    while len(data) >= at + 2:
        size, payload = data[at + 1], at + 2
        if size == 126:
            size, payload = int.from_bytes(data[at + 2 : at + 4], "big"), at + 4
        if len(data) < payload + size:
            return
        yield data[at] & 0xF, payload, payload + size
        at = payload + size
