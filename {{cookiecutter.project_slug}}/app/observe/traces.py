"""Spans, by OpenTelemetry: what a request led to, across commands, effects and events.

The place of a span is text, as W3C Trace Context writes it (`traceparent`, 3.2). It is kept with
what the span was about, so that the trace goes on where that is taken up again.
"""

from __future__ import annotations

from collections.abc import Iterable

import structlog
from fastapi.telemetry import TelemetryConfig
from opentelemetry import baggage, trace
from opentelemetry.context import Context
from opentelemetry.trace import Span, StatusCode, TracerProvider
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

EXPORT_SECONDS = 2
MISSING = "it needs the extra `otel`: install the project with it"
NO_ADDRESS = "it is an address such as http://collector:4318/v1/traces"
UNTRACED = ("/metrics", "/health", "/health/ready")
TRACEPARENT = "traceparent"
CORRELATION = "correlation_id"
MARK = "@"

_format = TraceContextTextMapPropagator()


def open_exporter(endpoint: str) -> TracerProvider:
    """Where spans go: by OTLP over HTTP, in batches, from a thread; what is left, at the exit.

    OTEL_SERVICE_NAME names the service. Raises ImportError while the extra is not installed, and
    ValueError for what is no address.
    """
    if not endpoint.startswith(("http://", "https://")):
        raise ValueError(NO_ADDRESS)
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.trace import TracerProvider as Provider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError as problem:
        raise ImportError(MISSING) from problem
    provider = Provider()
    exporter = OTLPSpanExporter(endpoint=endpoint, timeout=EXPORT_SECONDS)
    provider.add_span_processor(BatchSpanProcessor(exporter))
    return provider


def telemetry(spans: TracerProvider | None) -> TelemetryConfig:
    """What FastAPI is to do: spans of requests and handshakes, below those of whoever asks.

    Its logs would have the texts of exceptions, and metrics there are already.
    """
    return {
        "tracing": spans is not None,
        "tracer_provider": spans,
        "operation_spans": False,
        "metrics": False,
        "logs": False,
        "auto_configure": False,
        "exclude": lambda scope: scope["path"] in UNTRACED,
    }


class Tracer:
    """Begins and ends the spans of the service."""

    def __init__(self, provider: TracerProvider) -> None:
        self._tracer = trace.get_tracer("app", tracer_provider=provider)

    def begin(self, name: str, parent: Context | None = None, **attributes: str | None) -> Span:
        """A span, below its parent, or below what goes on here."""
        attributes[CORRELATION] = correlation_of(parent)
        known = {f"app.{key}": value for key, value in attributes.items() if value is not None}
        return self._tracer.start_span(name, parent, attributes=known)


def end(span: Span, outcome: str, events: Iterable[tuple[str, int | None]] = ()) -> None:
    """The span is over; `events` are the names of those that it led to, and their positions."""
    for name, seq in events:
        span.add_event(name, {} if seq is None else {"app.seq": seq})
    span.set_attribute("app.outcome", outcome)
    if outcome in ("internal", "unavailable", "failed"):
        span.set_status(StatusCode.ERROR)
    span.end()


def correlation_of(parent: Context | None) -> str | None:
    """What the request is called that something follows from, or that goes on here."""
    if parent is None:
        here: str | None = structlog.contextvars.get_contextvars().get(CORRELATION)
        return here
    return str(baggage.get_baggage(CORRELATION, parent) or "") or None


def mark_of(span: Span, parent: Context | None = None) -> str:
    """What is added to the key of a decision: the place of its span, and the correlation id."""
    carrier: dict[str, str] = {}
    _format.inject(carrier, trace.set_span_in_context(span))
    return f"{MARK}{carrier.get(TRACEPARENT, '')}{MARK}{correlation_of(parent) or ''}"


def parent_in(key: str) -> Context:
    """The parent of what follows from the decision with this key; none if it has no mark."""
    _, _, mark = key.partition(MARK)
    traceparent, _, correlation_id = mark.partition(MARK)
    return baggage.set_baggage(
        CORRELATION, correlation_id, _format.extract({TRACEPARENT: traceparent}, Context())
    )
