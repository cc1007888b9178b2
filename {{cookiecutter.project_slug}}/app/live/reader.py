"""From the bytes of a client's frames to whole messages, with the parser of `websockets`."""

import logging
from typing import NamedTuple, TypeAlias

from websockets.frames import Frame, Opcode
from websockets.protocol import OPEN
from websockets.server import ServerProtocol

IDLE_READERS = 16
INVALID_TEXT = 1007
SMALL_BYTES = 126  # a control frame has less (RFC 6455, 5.5)

# At debug, `websockets` would write to the log what clients say.
QUIET = logging.getLogger(__name__)
QUIET.setLevel(logging.WARNING)


class Ping(NamedTuple):
    """The client asks whether we are there (RFC 6455, 5.5.2)."""

    data: bytes


class Closing(NamedTuple):
    """The client says goodbye; 1005 when it does not say why (RFC 6455, 5.5.1)."""

    code: int


class Failed(NamedTuple):
    """The client breaks the rules: nothing it sends counts any more (RFC 6455, 7.1.7)."""

    code: int
    reason: str


Received: TypeAlias = str | bytes | Ping | Closing | Failed


class Reader:
    """Reads the frames of one connection, or of another one whenever it `is_idle`."""

    def __init__(self, max_bytes: int) -> None:
        """`max_bytes` is how long a message may be; a longer one fails with 1009."""
        self._parser = ServerProtocol(state=OPEN, max_size=max_bytes, logger=QUIET)
        self._held = 0
        self._message: bytearray | None = None
        self._is_text = True
        self._is_over = False
        self.asides = 0
        """How many frames of those fed last were small, and ended no message."""

    @property
    def is_idle(self) -> bool:
        """Whether no message has begun.

        The parser may have taken a frame's header out of its buffer already: only that the bytes
        fed are as many as those of the frames that came out shows that there is nothing left.
        """
        return self._held == 0 and self._message is None and not self._is_over

    def feed(self, data: bytes) -> list[Received]:
        """What these bytes complete, in order. After Closing or Failed there is nothing more."""
        self.asides = 0
        if self._is_over:
            return []
        self._parser.receive_data(data)
        self._parser.data_to_send()  # whoever takes what was received answers it, in its order
        self._held += len(data)
        received: list[Received] = []
        for frame in self._parser.events_received():
            assert isinstance(frame, Frame)  # noqa: S101 - the other events are of a handshake
            self._held -= _size_of(frame)
            try:
                received += self._take(frame)
            except UnicodeDecodeError:
                return [*received, self.fail(INVALID_TEXT, "text must be UTF-8")]
        return received + self._end()

    def fail(self, code: int, reason: str) -> Failed:
        """Read nothing more; this is why."""
        self._is_over = True
        return Failed(code, reason)

    def end(self) -> None:
        """It is fed no more: let go of what it holds, which is a circle until then."""
        self._parser.parser.close()

    def _take(self, frame: Frame) -> list[Received]:
        match frame.opcode:
            case Opcode.PING:
                self.asides += 1
                return [Ping(bytes(frame.data))]
            case Opcode.PONG | Opcode.CLOSE:
                self.asides += 1
                return []
            case Opcode.CONT:
                assert self._message is not None  # noqa: S101 - the parser has seen to it
                self._message += frame.data
                data, self._message = self._message, None if frame.fin else self._message
            case opcode:
                self._is_text = opcode is Opcode.TEXT
                data = frame.data  # type: ignore[assignment] # only what is sent is a memoryview
                self._message = None if frame.fin else bytearray(data)
        if not frame.fin:
            self.asides += len(frame.data) < SMALL_BYTES
            return []
        return [data.decode() if self._is_text else bytes(data)]

    def _end(self) -> list[Received]:
        """What ends the connection, if anything does.

        A close within a fragmented message is legal (RFC 6455, 5.4), though the parser fails then.
        """
        said, broken = self._parser.close_rcvd, self._parser.close_sent
        if said is None and broken is None:
            return []
        self._is_over = True
        if said is not None:
            return [Closing(said.code)]
        assert broken is not None  # noqa: S101 - one of the two
        return [Failed(broken.code, broken.reason)]


class Readers:
    """A few readers for many connections: one is needed only while a message is incomplete."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._idle: list[Reader] = []

    def borrow(self) -> Reader:
        """A reader that `is_idle`."""
        return self._idle.pop() if self._idle else Reader(self._max_bytes)

    def give_back(self, reader: Reader) -> None:
        """Another connection may have it, unless there are enough."""
        if len(self._idle) < IDLE_READERS:
            self._idle.append(reader)
        else:
            reader.end()


def _size_of(frame: Frame) -> int:
    """The bytes of a client's frame, its length told as briefly as it can be (RFC 6455, 5.2)."""
    size = len(frame.data)
    return 6 + size + (0 if size < 126 else 2 if size < 1 << 16 else 8)
