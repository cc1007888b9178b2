"""A client's connection on uvicorn, once the handshake is over: it costs nothing while idle.

There is no task, no coroutine, no timer and no parser for a client that neither says nor is told
anything. `handshake.py` makes it.
"""

from __future__ import annotations

import asyncio
import socket
from collections import deque
from collections.abc import Callable
from typing import Any

import structlog

from app.live import closing, frames
from app.live.backlog import Backlog
from app.live.message import Outgoing
from app.live.port import GRACE_SECONDS, HIGH_WATER_BYTES, Receiver
from app.live.reader import Closing, Failed, Ping, Reader, Readers, Received

KERNEL_BYTES = 64 * 1024
# Pings, pongs and small fragments: what is no message is counted by no other limit, and takes as
# long to read as one.
ASIDES_A_SECOND = 200
SLICE_BYTES = 8 * 1024  # of what comes at once: where there are too many, the rest is not read

log = structlog.get_logger(__name__)


def hold_back(transport: asyncio.Transport) -> None:
    """Have what a client does not take wait here, where it is counted, and not in the kernel."""
    transport.set_write_buffer_limits(high=HIGH_WATER_BYTES)
    peer: socket.socket | None = transport.get_extra_info("socket")
    if peer is not None and hasattr(socket, "TCP_NOTSENT_LOWAT"):
        peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, KERNEL_BYTES)


class DirectConnection(asyncio.Protocol):
    """A WebSocket that hands each message on as it comes, and each frame out as it is."""

    __slots__ = (
        "_asides",
        "_asides_since",
        "_budget",
        "_code",
        "_connections",
        "_cutoff",
        "_inbox",
        "_loop",
        "_paused",
        "_reader",
        "_readers",
        "_receiver",
        "_transport",
        "_waiting",
        "blocked",
        "heard",
    )

    def __init__(
        self,
        transport: asyncio.Transport,
        connections: set[asyncio.Protocol],
        readers: Readers,
        budget: int,
    ) -> None:
        """`connections` are uvicorn's; `budget` is in bytes: what may wait for the client."""
        self._transport = transport
        self._connections = connections
        self._readers = readers
        self._budget = budget
        self._loop = asyncio.get_running_loop()
        self._receiver: Receiver | None = None
        self._reader: Reader | None = None
        self._inbox: deque[Received] | None = None
        self._paused = True
        self._waiting: Backlog | None = None
        self._code: int | None = None
        self._cutoff: asyncio.TimerHandle | None = None
        self._asides = 0
        self._asides_since = 0.0
        self.heard = self._loop.time()
        self.blocked: float | None = None

    def open(self) -> None:
        """The handshake is over: have the transport call this from now on."""
        self._connections.add(self)
        self._transport.set_protocol(self)
        hold_back(self._transport)

    @property
    def is_served(self) -> bool:
        """Whether somebody hears what happens here."""
        return self._receiver is not None

    # What the service asks of it (port.py)

    def serve(self, receiver: Receiver) -> None:
        """Tell the receiver what happens from now on; nothing has to be awaited."""
        self._receiver = receiver
        if self not in self._connections:  # lost before anybody asked for it
            self._loop.call_soon(self.connection_lost, None)
        self.resume_reading()

    @property
    def buffered(self) -> int:
        """How many bytes wait to be sent."""
        waiting = self._waiting.size if self._waiting is not None else 0
        return waiting + self._transport.get_write_buffer_size()

    def write(self, message: Outgoing) -> None:
        """Send it after all that was written before."""
        if self._waiting is None and self._code is None:
            self._transport.write(message.frame)
        else:
            self.send(message.frame)

    def ping(self) -> None:
        """Ask whether it is there; one that takes nothing could not answer."""
        if self.blocked is None:
            self.send(frames.PING)

    def pause_reading(self) -> None:
        """Take nothing more; what has been read already waits."""
        if not self._paused and self._code is None:
            self._paused = True
            self._transport.pause_reading()

    def resume_reading(self) -> None:
        """Take from it again, first what waits."""
        if self._paused:
            self._paused = False
            self._loop.call_soon(self._catch_up)

    def close(self, code: int, reason: str = "") -> None:
        """Say goodbye after what was written before, and wait a moment for the answer."""
        if self._code is None:
            self._say_goodbye(code, reason)
            self.resume_reading()

    def abort(self) -> None:
        """Cut it off."""
        self._code = self._code or closing.LOST
        self._transport.abort()

    # What uvicorn and its transport ask of it

    def shutdown(self) -> None:
        """The server stops."""
        self.close(closing.DRAINING, "the server is stopping: resume at the next")

    def data_received(self, data: bytes) -> None:
        """Bytes of frames; whole messages go to the receiver at once."""
        self.heard = self._loop.time()
        if self._reader is None and frames.is_empty_pong(data) and not self._are_too_many(1):
            return  # no message has begun, and this one says nothing more
        if len(data) > SLICE_BYTES:
            for begin in range(0, len(data), SLICE_BYTES):
                self.data_received(data[begin : begin + SLICE_BYTES])
            return
        reader = self._reader or self._readers.borrow()
        received = reader.feed(data)
        if reader.asides and self._are_too_many(reader.asides):
            received = [reader.fail(closing.TOO_FAST, "too many pings, pongs or fragments")]
        self._reader = None if reader.is_idle else reader
        if self._reader is None:
            self._readers.give_back(reader)
        for number, item in enumerate(received):
            if self._paused:
                self._inbox = self._inbox or deque()
                self._inbox.extend(received[number:])
                return
            self._take(item)

    def eof_received(self) -> None:
        """It sends no more, so it is gone: the transport closes itself."""
        self._code = self._code or closing.LOST
        self._cut_off_later()

    def pause_writing(self) -> None:
        """It does not take what it is sent: keep it here."""
        self.blocked = self._loop.time()
        self._waiting = self._waiting or Backlog()

    def resume_writing(self) -> None:
        """It has taken what it was sent, so it is there."""
        self.heard = self._loop.time()
        self.blocked = None
        self._flush()
        if self._waiting is None and self._receiver is not None:
            self._tell(self._receiver.writable)

    def connection_lost(self, exc: Exception | None) -> None:
        """It is over, however it ended."""
        self._connections.discard(self)
        self._code = self._code or closing.LOST
        if self._reader is not None:
            self._reader.end()
        self._waiting = self._inbox = self._reader = None
        self.blocked = None
        if self._cutoff is not None:
            self._cutoff.cancel()
        receiver, self._receiver = self._receiver, None
        if receiver is not None:
            self._tell(receiver.closed, self._code)

    # How it does it

    def send(self, frame: bytes) -> None:
        """Send a frame, unless goodbye has been said; too much that waits ends the connection."""
        if self._code is not None:
            return
        self._put(frame)
        if self.blocked is not None and self.buffered > self._budget:
            self._drop_waiting()
            self.close(closing.TOO_SLOW, "too slow: resume")

    def _put(self, frame: bytes) -> None:
        if self._waiting is None:
            self._transport.write(frame)
        else:
            self._waiting.add(frame)

    def _flush(self) -> None:
        """Hand over what waits, until the transport has enough again."""
        while self._waiting and self.blocked is None:
            self._waiting.move_to(self._transport)
        if self.blocked is None:
            self._waiting = None

    def _drop_waiting(self) -> None:
        """Forget frames of which nothing has been sent."""
        if self._waiting is not None:
            self._waiting.clear()

    def _are_too_many(self, asides: int) -> bool:
        """Whether these are, with those of the same second before them."""
        if self.heard - self._asides_since >= 1:
            self._asides, self._asides_since = 0, self.heard
        self._asides += asides
        return self._asides > ASIDES_A_SECOND

    def _catch_up(self) -> None:
        while self._inbox and not self._paused:
            self._take(self._inbox.popleft())
        if not self._paused and not self._transport.is_closing():
            self._inbox = None
            self._transport.resume_reading()

    def _take(self, item: Received) -> None:
        match item:
            case Closing(code):  # the answer is the same (RFC 6455, 5.5.1)
                self._end(code)
                self._transport.close()  # as the server has to (7.1.1)
            case Failed(code, reason):
                self._end(code, reason)
                self._close_this_side()
            case Ping(data):
                self.send(frames.pong(data))
            case message if self._code is None and self._receiver is not None:
                self._tell(self._receiver.received, message)

    def _say_goodbye(self, code: int, reason: str = "") -> None:
        goodbye = frames.goodbye(code, reason)
        self._code = code
        self._put(goodbye)
        self._cut_off_later()

    def _end(self, code: int, reason: str = "") -> None:
        """Say goodbye, if it has not been said, and hand over all that waits with it."""
        if self._code is None:
            self._drop_waiting()
            self._say_goodbye(code, reason)
        while self._waiting:
            self._waiting.move_to(self._transport)
        self._waiting = None

    def _close_this_side(self) -> None:
        """Send no more, and wait a moment for the client to close.

        A socket that is closed while something unread has come is reset, and what was said last is
        lost.
        """
        if self._transport.can_write_eof():
            self._transport.write_eof()
        else:
            self._transport.close()

    def _cut_off_later(self) -> None:
        if self._cutoff is None:
            self._cutoff = self._loop.call_later(GRACE_SECONDS, self._transport.abort)

    def _tell(self, call: Callable[..., None], *values: Any) -> None:
        try:
            call(*values)
        except Exception:  # a mistake that concerns one client must not end the server
            log.exception("a connection's receiver failed")
            self.close(closing.MISTAKE, "the service made a mistake")
