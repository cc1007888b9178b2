"""One client of the crowd: no task, no parser; it compares what it hears with what others heard."""

from __future__ import annotations

import asyncio
from time import perf_counter
from typing import cast

from websockets.client import ClientProtocol
from websockets.frames import Close, Frame, Opcode
from websockets.http11 import Request, Response
from websockets.protocol import State

from bench.stream import Stream, frame_size

END_OF_HEAD = b"\r\n\r\n"
PING, CLOSE = 0x89, 0x88


class Ended(Exception):
    """The service has refused the connection, or ended it: the status or code, and its words."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(f"{reason} ({code})")
        self.code, self.reason = code, reason


class Listener(asyncio.Protocol):
    """Hears from event 0 on, the same as all others; what differs, it counts by itself."""

    __slots__ = (
        "_at",
        "_handshake",
        "_is_begun",
        "_last",
        "_rest",
        "_stream",
        "_transport",
        "ended",
        "heard",
        "opened",
        "repeated",
    )

    def __init__(self, handshake: ClientProtocol, request: Request, stream: Stream) -> None:
        self._handshake: tuple[ClientProtocol, Request] | None = handshake, request
        self._stream = stream
        self._rest = b""
        self._at = 0
        self._is_begun = False
        self._last: tuple[int, int] | None = None  # of one that has missed something
        self.opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.ended: Ended | None = None
        self.heard = 0
        """The events of so many commands."""
        self.repeated = 0
        """Events that came a second time, or after later ones."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask for the socket."""
        self._transport = cast(asyncio.Transport, transport)  # uvloop has classes of its own
        assert self._handshake is not None  # noqa: S101 - it has just been handed in
        handshake, request = self._handshake
        handshake.send_request(request)
        self._transport.writelines(handshake.data_to_send())

    def data_received(self, data: bytes) -> None:
        """What others have heard already is compared; what is new, or not for all, is read."""
        now = perf_counter()
        stream = self._stream
        if self._is_begun and not self._rest and stream.wire.startswith(data, self._at):
            self._at += len(data)
        elif self._handshake is not None:
            self._shake_hands(self._handshake[0], data)
        else:
            self._read(data)
        before, ends = self.heard, stream.ends
        while self._last is None and self.heard < len(ends) and ends[self.heard] <= self._at:
            self.heard += 1
        if self.heard > before:
            stream.note(before, self.heard, now)

    def connection_lost(self, problem: Exception | None) -> None:
        """It is over."""
        self._end(1006, str(problem or "the service has hung up"))

    def close(self) -> None:
        """Say goodbye, and go."""
        goodbye = Frame(Opcode.CLOSE, Close(1001, "").serialize())
        self._transport.write(goodbye.serialize(mask=True))
        self._transport.close()

    def _shake_hands(self, handshake: ClientProtocol, data: bytes) -> None:
        self._rest += data
        head, end, rest = self._rest.partition(END_OF_HEAD)
        if not end:
            return
        is_refusal = b" 101 " not in head.partition(b"\r\n")[0]
        handshake.receive_data(self._rest if is_refusal else head + end)
        for answer in handshake.events_received():
            if is_refusal and isinstance(answer, Response):
                self._end(answer.status_code, bytes(answer.body or b"").decode(errors="replace"))
                self._transport.close()
        if not is_refusal and handshake.state is State.OPEN:
            self._handshake, self._rest = None, b""
            self.opened.set_result(None)
            self._read(rest)

    def _read(self, data: bytes) -> None:
        """Take whole frames off what has come, and off what was compared of the one before."""
        if self._is_begun and not self._rest and self._last is None:
            begin = self._stream.begin_of_frame(self._at)
            data = bytes(self._stream.wire[begin : self._at]) + data
            self._at = begin
        else:
            data = self._rest + data
        at = 0
        while (size := frame_size(data, at)) is not None and at + size <= len(data):
            self._take(data[at : at + size])
            at += size
        self._rest = data[at:]

    def _take(self, frame: bytes) -> None:
        if frame[0] == PING:
            self._transport.write(Frame(Opcode.PONG, frame[2:]).serialize(mask=True))
        elif frame[0] == CLOSE:
            goodbye = Close.parse(frame[2:])
            self._end(goodbye.code, goodbye.reason)
        elif not self._is_begun:
            if self._stream.told(frame)[0] == 0:
                self._is_begun = True
                self._follow(frame)
        elif self._last is None:
            self._follow(frame)
        else:
            self._count(self._last, frame)

    def _follow(self, frame: bytes) -> None:
        wire = self._stream.wire
        if wire.startswith(frame, self._at) or (self._at == len(wire) and self._stream.take(frame)):
            self._at += len(frame)
            return
        self.heard = self._stream.heard(self._at)
        begin = self._stream.begin_of_frame(self._at - 1)
        self._last = self.heard - 1, self._stream.told(bytes(wire[begin : self._at]))[1]
        self._count(self._last, frame)

    def _count(self, last: tuple[int, int], frame: bytes) -> None:
        number, seq = self._stream.told(frame)
        if number is None:
            return
        if seq <= last[1]:
            self.repeated += 1
            return
        if number > last[0]:
            self.heard += 1
        self._last = number, seq

    def _end(self, code: int, reason: str) -> None:
        self.ended = self.ended or Ended(code, reason)
        if not self.opened.done():
            self.opened.set_exception(self.ended)
