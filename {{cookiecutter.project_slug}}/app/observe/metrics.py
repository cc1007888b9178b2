"""What is counted and measured, for Prometheus; each application has its own registry.

No label has a value of a client's choice, nor one for each user: the number of series is bounded.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager

from prometheus_client import CollectorRegistry, Counter, Histogram, ProcessCollector

from app.observe.series import Children, Gauges, Reading

# Seconds: of the event loop, whose clock has milliseconds, and of what is shorter.
LAG_BUCKETS = (1e-3, 2.5e-3, 5e-3, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5)
BUCKETS = (5e-5, 1e-4, 2.5e-4, 5e-4, *LAG_BUCKETS)
OUR_FAULTS = ("internal", "unavailable")
# RFC 6455, 7.4.1, and the service's own; clients may send any other.
CLOSE_CODES = frozenset({*range(1000, 1015), 4008, 4009, 4401, 4429, 4501, 4503})
MESSAGE_TYPES = frozenset({"command", "subscribe", "auth", "ping", "pong", "invalid"})


class Metrics:
    """Everything that is counted, by plain calls that take about a microsecond."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.process = ProcessCollector(registry=self.registry)
        self._asked = self._failed = 0
        self._requests = self._counter(
            "app_http_requests", "HTTP requests, by route.", "method", "route", "status"
        )
        self._request_seconds = self._histogram(
            "app_http_request_seconds", "Until an HTTP answer begins.", "method"
        )
        self._commands = self._counter(
            "app_commands", "Commands of clients, answered.", "name", "door", "outcome"
        )
        self._command_seconds = self._histogram(
            "app_command_seconds", "From a command's arrival to its answer.", "door"
        )
        self._append_seconds = self._histogram(
            "app_append_seconds", "Appends to the event log: one for each group of commands."
        )[()]
        self._entries = self._counter("app_entries", "Entries appended to the event log.")[()]
        self._append_failures = self._counter(
            "app_append_failures", "Appends that stored nothing, or perhaps nothing.", "reason"
        )
        self._opened = self._counter(
            "app_connections_opened", "WebSockets and streams that were opened."
        )[()]
        self._closed = self._counter(
            "app_connections_closed",
            "WebSockets and streams that have ended, by close code.",
            "code",
        )
        self._refused = self._counter(
            "app_refusals", "Requests and handshakes that were refused.", "door", "reason"
        )
        self._messages = self._counter(
            "app_messages", "Messages of WebSockets and streams.", "direction", "type"
        )
        self._bytes = self._counter("app_message_bytes", "Their bytes.", "direction")
        self._dropped = self._counter(
            "app_dropped_clients", "Clients cut off for what they did not do.", "reason"
        )
        self._resumes = self._counter(
            "app_resumes", "Clients that came back: ring or log, or a miss.", "how"
        )
        self._lag = Histogram(
            "app_event_loop_lag_seconds",
            "How much later than asked for the event loop went on.",
            buckets=LAG_BUCKETS,
            registry=self.registry,
        )

    def request(self, method: str, route: str, status: int, seconds: float) -> None:
        """An HTTP answer has begun; `route` is its template, such as `/things/{id}`."""
        self._requests[method, route, str(status)].inc()
        self._request_seconds[method,].observe(seconds)
        self._count_asked(status >= 500)

    def command(self, name: str, door: str, outcome: str, seconds: float) -> None:
        """A client's command has its answer: `ok`, `duplicate`, `cancelled` or a code."""
        self._commands[name, door, outcome].inc()
        self._command_seconds[door,].observe(seconds)
        if door != "http":
            self._count_asked(outcome in OUR_FAULTS)

    def appended(self, seconds: float, entries: int) -> None:
        """So many entries were stored at once."""
        self._append_seconds.observe(seconds)
        self._entries.inc(entries)

    def append_failed(self, reason: str) -> None:
        """Nothing was stored, or nobody knows; `reason` is the name of an exception."""
        self._append_failures[reason,].inc()

    def connection_opened(self) -> None:
        """A WebSocket or a stream was accepted."""
        self._opened.inc()

    def connection_closed(self, code: int) -> None:
        """It has ended."""
        self._closed[str(code) if code in CLOSE_CODES else "other",].inc()

    def refused(self, door: str, reason: str) -> None:
        """A request or a handshake was refused; `reason` is a code, or a limit."""
        self._refused[door, reason].inc()

    def message_in(self, type: str, size: int) -> None:
        """A message of so many bytes has come; one that cannot be read is `invalid`."""
        self._messages["in", type if type in MESSAGE_TYPES else "invalid"].inc()
        self._bytes["in",].inc(size)

    def messages_out(self, type: str, times: int, size: int) -> None:
        """A message of so many bytes goes out, to so many clients."""
        self._messages["out", type].inc(times)
        self._bytes["out",].inc(times * size)

    def dropped_client(self, reason: str) -> None:
        """A client was cut off: it is `too_slow`, or has not answered a ping: `no_pong`."""
        self._dropped[reason,].inc()

    def resumed(self, how: str) -> None:
        """A client asked for what it missed: it was in the `ring` or the `log`, or is a `miss`."""
        self._resumes[how,].inc()

    def lag(self, seconds: float) -> None:
        """The event loop went on so much later than it should have."""
        self._lag.observe(seconds)

    def asked(self) -> tuple[int, int]:
        """How many requests and commands there were since the start, and how many failed by us.

        Here, in this process. A command that came by HTTP is a request.
        """
        return self._asked, self._failed

    @asynccontextmanager
    async def reading(self, readings: Iterable[Reading]) -> AsyncIterator[None]:
        """Have these gauges read by whoever asks, as long as the context lasts."""
        gauges = Gauges(list(readings))
        self.registry.register(gauges)
        try:
            yield
        finally:
            self.registry.unregister(gauges)

    async def exposed(self, encode: Callable[[CollectorRegistry], bytes]) -> bytes:
        """All metrics, in somebody's format."""
        return encode(self.registry)

    def _count_asked(self, has_failed: bool) -> None:
        self._asked += 1
        self._failed += has_failed

    def _counter(self, name: str, description: str, *labels: str) -> Children[Counter]:
        return Children(Counter(name, description, labels, registry=self.registry))

    def _histogram(self, name: str, description: str, *labels: str) -> Children[Histogram]:
        return Children(
            Histogram(name, description, labels, buckets=BUCKETS, registry=self.registry)
        )
