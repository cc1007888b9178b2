"""What went over one connection, for the metrics while it is open and for its line in the log."""

from time import monotonic

import structlog

from app.observe.metrics import Metrics

log = structlog.get_logger(__name__)


class Tally:
    """One WebSocket or stream of events, from the moment it is accepted."""

    __slots__ = ("_began", "_metrics", "bytes_in", "bytes_out", "messages_in", "messages_out")

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self._began = monotonic()
        self.messages_in = self.messages_out = self.bytes_in = self.bytes_out = 0
        metrics.connection_opened()

    def received(self, type: str, size: int) -> None:
        """A message of so many bytes has come; `invalid` is one that cannot be read."""
        self.messages_in += 1
        self.bytes_in += size
        self._metrics.message_in(type, size)

    def answered(self, type: str, size: int) -> None:
        """A message of so many bytes goes to this client alone."""
        self.sent(size)
        self._metrics.messages_out(type, 1, size)

    def sent(self, size: int, messages: int = 1) -> None:
        """So many bytes go to this client; if to others, too, the hub counts them."""
        self.messages_out += messages
        self.bytes_out += size

    def resumed(self, how: str) -> None:
        """It was away: what it missed is in the `ring` or the `log`, or is a `miss`."""
        self._metrics.resumed(how)

    def closed(self, code: int, *, address: str, by: str, role: str) -> None:
        """It is over: its line in the log."""
        self._metrics.connection_closed(code)
        log.info(
            "connection",
            address=address,
            by=by,
            role=role,
            seconds=round(monotonic() - self._began, 3),
            messages_in=self.messages_in,
            messages_out=self.messages_out,
            bytes_in=self.bytes_in,
            bytes_out=self.bytes_out,
            code=int(code),  # some are of an enumeration, which a line would name
        )
