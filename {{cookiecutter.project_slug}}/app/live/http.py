"""uvicorn's HTTP protocol, with bounds on what a client may send, and on how slowly."""

import asyncio
import sys
from typing import Any, cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from app.live.joined import Joined
from app.live.port import TRANSPORT

TOO_LARGE = b"""\
HTTP/1.1 431 Request Header Fields Too Large\r
Connection: close\r
Content-Length: 0\r
\r
"""


class BoundedHttp(HttpToolsProtocol):
    """Closes a connection whose request does not come in time, or has too much around its body.

    The time of a head runs from the first moment of the connection, and from the first byte of
    every later request; that of a body from the end of its head. Bytes that are no body's, those of
    the head, of chunks' sizes and of trailers, are counted as they come, by the segment.

    Of requests that are sent before the one in front is answered (RFC 9112, 9.3.2) only a few may
    wait: each is some KiB, a segment has thousands of them, and uvicorn reads the next one after
    every answer.
    """

    head_seconds = 10.0
    body_seconds = 20.0
    head_bytes = 64 * 1024
    waiting_requests = 16

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._deadline: asyncio.TimerHandle | None = None
        self._around = 0
        self._segment = b""
        self._unanswered: list[RequestResponseCycle] = []

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for a request."""
        super().connection_made(transport)
        self._expect_head()

    def on_message_begin(self) -> None:
        """A request begins."""
        super().on_message_begin()
        self.scope["extensions"] = {TRANSPORT: self.transport}  # type: ignore[dict-item]
        self._expect_head()

    def on_headers_complete(self) -> None:
        """Its head has come; an error here is answered with 400, unless it has been already."""
        self._stop_waiting()
        self._require_small_head()
        self._require_one_host()
        if len(self.pipeline) >= self.waiting_requests:
            raise ValueError("too many requests wait for their turn")
        last = self.cycle
        super().on_headers_complete()
        if self.cycle is not last:  # or else it asks for a WebSocket
            if self.scope["method"] != "HEAD":  # whose answer has no body
                self.cycle.transport = cast(asyncio.Transport, Joined(self.transport))
            self._unanswered = [each for each in self._unanswered if not each.response_complete]
            self._unanswered.append(self.cycle)
        self._deadline = self.loop.call_later(self.body_seconds, self.transport.abort)

    def on_body(self, body: bytes) -> None:
        """A part of its body; how much there may be of it is for the application to say."""
        self._around -= len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        """All of it has come."""
        self._stop_waiting()
        super().on_message_complete()

    def data_received(self, data: bytes) -> None:
        """Bytes of a head, or of a body."""
        self._around += len(data)
        self._segment = data
        super().data_received(data)
        self._segment = b""
        if self._deadline is not None and self._around > self.head_bytes:
            self._stop_waiting()
            self._refuse_large_head()

    def send_400_response(self, msg: str) -> None:
        """Answer what is no request, unless it has been refused in other words."""
        if not self.transport.is_closing():
            super().send_400_response(msg)

    def handle_websocket_upgrade(self) -> None:
        """Hand the connection on, and what came after the request in the same segment.

        Where a request before it is unanswered yet, both would write, and only one would hear
        that the client has left: then the connection ends.
        """
        upgrade = sys.exception()
        self._stop_waiting()
        if self.cycle is not None and not self.cycle.response_complete:
            self.transport.close()
            return
        super().handle_websocket_upgrade()
        assert upgrade is not None  # noqa: S101 - httptools tells the end of the request by it
        if rest := self._segment[upgrade.args[0] :]:
            cast(asyncio.Protocol, self.transport.get_protocol()).data_received(rest)
        del self.parser  # it has methods of this: a circle, which only a search for garbage finds

    def connection_lost(self, exc: Exception | None) -> None:
        """It is over."""
        self._stop_waiting()
        super().connection_lost(exc)
        for cycle in self._unanswered:  # uvicorn tells only the last of them
            cycle.disconnected = True
            cycle.message_event.set()

    def _require_small_head(self) -> None:
        """Raise ValueError, and refuse it, where a head that came all at once is too large."""
        fields = sum(len(name) + len(value) + len(": \r\n") for name, value in self.headers)
        if len(self.url) + fields > self.head_bytes:
            self._refuse_large_head()
            raise ValueError("the head is too large")

    def _refuse_large_head(self) -> None:
        self.transport.write(TOO_LARGE)
        self.transport.close()

    def _require_one_host(self) -> None:
        """Raise ValueError unless the request says once whom it is for (RFC 9112, 3.2).

        A proxy may look at another Host than the check of the Origin does.
        """
        hosts = sum(name == b"host" for name, _ in self.headers)
        if hosts > 1 or (hosts == 0 and self.parser.get_http_version() == "1.1"):
            raise ValueError("one Host is needed")

    def _expect_head(self) -> None:
        if self._deadline is None:
            self._around = 0
            self._deadline = self.loop.call_later(self.head_seconds, self.transport.abort)

    def _stop_waiting(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
