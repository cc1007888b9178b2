"""Messages on their way out: encoded once and framed once, however many hear them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from typing import TypeAlias

# A connection may hold so much more than its high-water mark, for a bundle is written as a whole.
BUNDLE_BYTES = 16 * 1024


class Message:
    """JSON text that is sent as it stands; its frame is the same for every client."""

    count = 1

    def __init__(self, json: bytes, seq: int | None = None) -> None:
        """`seq` is where in the log a client is that has heard all up to this, if it says so."""
        self.json = json
        self.seq = seq
        self.size = len(json)

    def __len__(self) -> int:
        return self.size

    @property
    def parts(self) -> Sequence[Message]:
        """Itself: it is one message."""
        return (self,)

    @cached_property
    def type(self) -> str:
        """What it is: the first field, as the codec writes it."""
        return self.json[9 : self.json.index(b'"', 9)].decode()

    @cached_property
    def text(self) -> str:
        """The message for a server that frames it itself."""
        return self.json.decode()

    @cached_property
    def frame(self) -> bytes:
        """The message as one text frame; a server's frames are not masked (RFC 6455, 5.1, 5.2)."""
        size = len(self.json)
        if size < 126:
            return bytes((0x81, size)) + self.json
        if size < 1 << 16:
            return b"\x81\x7e" + size.to_bytes(2, "big") + self.json
        return b"\x81\x7f" + size.to_bytes(8, "big") + self.json


class Bundle:
    """Several messages, in order, that leave in one write: a system call costs more than bytes."""

    def __init__(self, parts: Sequence[Message]) -> None:
        self.parts = parts
        self.count = len(parts)
        self.size = sum(part.size for part in parts)

    def __len__(self) -> int:
        return self.size

    @cached_property
    def frame(self) -> bytes:
        """The frames of all."""
        return b"".join([part.frame for part in self.parts])


Outgoing: TypeAlias = Message | Bundle


def bundled(messages: Iterable[Message]) -> Iterator[Outgoing]:
    """The same messages in the same order, in as few pieces as BUNDLE_BYTES allows."""
    parts: list[Message] = []
    size = 0
    for message in messages:
        if parts and size + len(message) > BUNDLE_BYTES:
            yield _in_one(parts)
            parts, size = [], 0
        parts.append(message)
        size += len(message)
    if parts:
        yield _in_one(parts)


PONG = Message(b'{"type":"pong"}')
PING = Message(b'{"type":"ping"}')


def _in_one(parts: Sequence[Message]) -> Outgoing:
    return Bundle(parts) if len(parts) > 1 else parts[0]
