"""uvicorn's HTTP protocol, with bounds on how long and how big the head of a request may be."""

import asyncio
import sys
from typing import Any, cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

TOO_LARGE = b"""\
HTTP/1.1 431 Request Header Fields Too Large\r
Connection: close\r
Content-Length: 0\r
\r
"""


class BoundedHttp(HttpToolsProtocol):
    """Closes a connection whose request does not begin in time, or has too big a head.

    The time runs from the first moment of the connection, and from the first byte of every later
    request, to the end of the head. Bytes are counted as they come, by the segment.
    """

    head_seconds = 10.0
    head_bytes = 64 * 1024

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._deadline: asyncio.TimerHandle | None = None
        self._head = 0
        self._segment = b""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for a request."""
        super().connection_made(transport)
        self._expect_head()

    def on_message_begin(self) -> None:
        """A request begins."""
        super().on_message_begin()
        self._expect_head()

    def on_headers_complete(self) -> None:
        """Its head has come."""
        self._stop_waiting()
        super().on_headers_complete()

    def data_received(self, data: bytes) -> None:
        """Bytes of a head, or of a body."""
        self._head += len(data)
        self._segment = data
        super().data_received(data)
        self._segment = b""
        if self._deadline is not None and self._head > self.head_bytes:
            self._stop_waiting()
            self.transport.write(TOO_LARGE)
            self.transport.close()

    def handle_websocket_upgrade(self) -> None:
        """Hand the connection on, and what came after the request in the same segment."""
        upgrade = sys.exception()
        super().handle_websocket_upgrade()
        assert upgrade is not None  # noqa: S101 - httptools tells the end of the request by it
        if rest := self._segment[upgrade.args[0] :]:
            cast(asyncio.Protocol, self.transport.get_protocol()).data_received(rest)

    def connection_lost(self, exc: Exception | None) -> None:
        """It is over."""
        self._stop_waiting()
        super().connection_lost(exc)

    def _expect_head(self) -> None:
        if self._deadline is None:
            self._head = 0
            self._deadline = self.loop.call_later(self.head_seconds, self.transport.abort)

    def _stop_waiting(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
