"""A client of the bare socket, for what no well-behaved client does."""

import socket

HANDSHAKE = (
    "GET /ws HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n{headers}\r\n"
)


def upgraded(port: int, *, takes: int | None = None, **headers: str) -> socket.socket:
    """A connection whose handshake is done, and which nobody reads or answers.

    `takes` is how many bytes the kernel keeps for it, or some more.
    """
    peer = socket.socket()
    peer.settimeout(10)
    if takes is not None:
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, takes)
    peer.connect(("127.0.0.1", port))
    more = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
    peer.sendall(HANDSHAKE.format(port=port, headers=more).encode())
    answer = b""
    while not answer.endswith(b"\r\n\r\n"):
        answer += peer.recv(1)
    assert answer.startswith(b"HTTP/1.1 101 "), answer
    return peer
