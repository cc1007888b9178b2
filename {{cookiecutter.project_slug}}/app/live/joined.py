"""An HTTP answer's head leaves with its body: a system call costs more than what it carries."""

from __future__ import annotations

import asyncio


class Joined:
    """A transport for one answer: its head waits for what is written next, but only for a turn.

    uvicorn writes the two one after the other, and the event loop sends each at once.
    """

    __slots__ = ("_has_begun", "_head", "_transport")

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._head = b""
        self._has_begun = False

    def write(self, data: bytes) -> None:
        """The head first, and then the body, whole or in parts."""
        if self._has_begun:
            head, self._head = self._head, b""
            self._transport.write(head + data if head else data)
        else:
            self._has_begun, self._head = True, data
            asyncio.get_running_loop().call_soon(self._send_head)

    def close(self) -> None:
        """Close it when all has been sent."""
        self._send_head()
        self._transport.close()

    def is_closing(self) -> bool:
        """Whether it is closed, or about to be."""
        return self._transport.is_closing()

    def _send_head(self) -> None:
        """Its body takes its time, or does not come."""
        head, self._head = self._head, b""
        if head and not self._transport.is_closing():
            self._transport.write(head)
