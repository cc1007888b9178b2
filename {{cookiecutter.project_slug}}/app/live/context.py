"""Calls a connection's receiver in its handshake's context: log lines keep its correlation id."""

from contextvars import copy_context

from app.live.port import Receiver


class InContext:
    """A receiver that is called in the context in which this was made.

    A server calls from a context of its own: what is logged of the connection, and of its commands,
    has the handshake's correlation id by this, and spans have it as their parent.
    """

    __slots__ = ("_receiver", "_run")

    def __init__(self, receiver: Receiver) -> None:
        self._receiver = receiver
        self._run = copy_context().run

    def received(self, message: str | bytes) -> None:
        """One whole message."""
        self._run(self._receiver.received, message)

    def writable(self) -> None:
        """What waited to be sent has been taken."""
        self._run(self._receiver.writable)

    def closed(self, code: int) -> None:
        """It is over."""
        self._run(self._receiver.closed, code)
