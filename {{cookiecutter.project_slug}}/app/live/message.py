"""One message on its way out: encoded once and framed once, however many hear it."""

from functools import cached_property


class Message:
    """JSON text that is sent as it stands; its frame is the same for every client."""

    def __init__(self, json: bytes) -> None:
        self.json = json

    def __len__(self) -> int:
        return len(self.json)

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


PONG = Message(b'{"type":"pong"}')
PING = Message(b'{"type":"ping"}')
