"""What the service asks of a client's connection, and what it hears from it.

Two kinds keep this promise: `transport.py`, a WebSocket protocol of our own for uvicorn, and
`asgi.py`, for any other ASGI server.
"""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any, Protocol

from app.live.message import Outgoing

# When so much waits, a client counts as blocked, and `writable` says when that is over. Whoever
# sends much waits for that: it is half of the smallest APP_SEND_BUFFER_BYTES.
HIGH_WATER_BYTES = 32 * 1024

# How long a client may take to answer a goodbye.
GRACE_SECONDS = 5.0

# Where a scope has the connection that the server offers, among its extensions.
OFFER = "app.connection"

# Where it has the far end of one that is the server's alone, if the server lets it be asked.
FAR_END = "app.far_end"

# Where the scope of a request has what carries its bytes, if the server offers that.
TRANSPORT = "app.transport"


class Connection(Protocol):
    """One client's way out. Nothing here waits, and nothing raises, whatever the client does."""

    @property
    def heard(self) -> float:
        """When the client was last heard of, in seconds of the event loop's clock: any bytes count.

        Infinity where the server keeps that to itself; it asks by itself then, too.
        """

    blocked: float | None
    """Since when what is written has not been taken, in the same seconds; None while it is."""

    def serve(self, receiver: Receiver) -> Coroutine[Any, Any, None] | None:
        """Tell the receiver what happens from now on.

        Either until the coroutine ends, which has to be awaited, or, without one, by itself.
        """

    @property
    def buffered(self) -> int:
        """How many bytes wait to be sent."""

    def write(self, message: Outgoing) -> None:
        """Send this after all that was written before.

        A client that lets more wait than its budget is closed with 4008, and what waits is dropped.
        """

    def ping(self) -> None:
        """Ask the client, in the WebSocket's own way, whether it is there (RFC 6455, 5.5.2)."""

    def pause_reading(self) -> None:
        """Take nothing more from the client for now, so that it has to wait, too."""

    def resume_reading(self) -> None:
        """Take from the client again."""

    def close(self, code: int, reason: str = "") -> None:
        """Say goodbye, once; a client that does not answer is cut off after a moment."""

    def abort(self) -> None:
        """Cut it off, without a word."""


class FarEnd(Protocol):
    """A client as its server knows it, who speaks of it in the terms of ASGI otherwise."""

    heard: float
    """When it was last heard of, as a connection says it."""

    def ping(self) -> None:
        """Ask it, in the WebSocket's own way, whether it is there."""


class Receiver(Protocol):
    """What happens to a connection; called one at a time, from the event loop."""

    def received(self, message: str | bytes) -> None:
        """One whole message: text, or bytes from a binary one."""

    def writable(self) -> None:
        """What waited to be sent has been taken."""

    def closed(self, code: int) -> None:
        """It is over; said once, whoever ended it. 1006 when nobody said why."""
