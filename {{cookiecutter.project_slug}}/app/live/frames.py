"""Frames of a server that are no messages (RFC 6455, 5.5)."""

from websockets.frames import Close, Frame, Opcode

NO_CODE = 1005
REASON_BYTES = 123  # a control frame holds 125, and two are the code's

PING = Frame(Opcode.PING, b"").serialize(mask=False)


def is_empty_pong(data: bytes) -> bool:
    """Whether a client has sent this frame, a mask with nothing behind it, and no more.

    It is the answer to PING, and most of what an idle client ever sends.
    """
    return len(data) == 6 and data.startswith(b"\x8a\x80")


def pong(data: bytes) -> bytes:
    """The answer to a ping, with what the ping has brought (RFC 6455, 5.5.3)."""
    return Frame(Opcode.PONG, data).serialize(mask=False)


def goodbye(code: int, reason: str = "") -> bytes:
    """A close frame, whose reason is cut to what it holds; 1005 stands for none."""
    if code == NO_CODE:
        return Frame(Opcode.CLOSE, b"").serialize(mask=False)
    brief = reason.encode()[:REASON_BYTES].decode(errors="ignore")
    return Frame(Opcode.CLOSE, Close(code, brief).serialize()).serialize(mask=False)
