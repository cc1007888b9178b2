"""One trace leads from a request over its command and effects to their events, also later on."""

import asyncio
import gzip
import json
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import ClassVar

import httpx
import pytest
import structlog
from opentelemetry import trace
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from websockets.asyncio.client import connect

from app.bootstrap import create_app
from app.core.effects import Delay, Dispatch, Durable, Run, Stream
from app.core.ports import Attempt, Unavailable
from app.core.rejected import StartRefused
from app.observe.traces import Tracer, mark_of
from app.runtime.event_log.memory import MemoryLog
from app.runtime.event_log.port import EventLog
from app.runtime.event_log.sqlite import SqliteLog
from app.runtime.traced import Traces
from tests.access.keys import settings_of
from tests.runtime.tally import ME, STREAMS, WORK, Add, Command, Flow, Plan, Work, open_tally
from tests.service import Service

pytestmark = pytest.mark.anyio

ROOT = Path(__file__).parents[2]
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
TRACEPARENT = f"00-{TRACE}-00f067aa0ba902b7-01"
COMMAND = {"RevokeTokens": {"user_id": "carol"}}


class Spans:
    """Every span that has ended."""

    def __init__(self) -> None:
        self.exporter = InMemorySpanExporter()
        self.provider = TracerProvider(shutdown_on_exit=False)
        self.provider.add_span_processor(SimpleSpanProcessor(self.exporter))

    def __iter__(self) -> Iterator[ReadableSpan]:
        return iter(self.exporter.get_finished_spans())

    def path(self, span: ReadableSpan) -> str:
        """Its name, after those of all spans that it is below."""
        by_id = {each.context.span_id: each for each in self if each.context}
        above = by_id.get(span.parent.span_id) if span.parent else None
        return span.name if above is None else f"{self.path(above)} > {span.name}"

    @property
    def paths(self) -> list[str]:
        """Of all of them."""
        return sorted(map(self.path, self))

    @property
    def traces(self) -> set[str]:
        """Which there are."""
        return {f"{span.context.trace_id:032x}" for span in self if span.context}

    @property
    def correlations(self) -> set[object]:
        """The correlation ids that they tell."""
        return {(span.attributes or {}).get("app.correlation_id") for span in self}


@pytest.fixture
def spans() -> Spans:
    """Spans, kept in memory."""
    WORK.clear()
    STREAMS.clear()
    return Spans()


def traced(spans: Spans, event_log: EventLog) -> tuple[EventLog, Traces]:
    return event_log, Traces(Tracer(spans.provider), event_log)


async def until(claim: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not claim():  # noqa: ASYNC110 - spans tell nobody
            await asyncio.sleep(0.001)


async def test_a_command_is_below_the_request_and_that_below_the_clients_span(spans: Spans) -> None:
    app = create_app(settings_of(), spans=spans.provider)
    headers = {"traceparent": TRACEPARENT, "X-Correlation-ID": "call-7", "Idempotency-Key": "k"}
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://localhost") as http,
    ):
        await http.post("/api/v1/commands", json=COMMAND, headers=headers)
        await http.get("/health")
    command = next(span for span in spans if span.name == "RevokeTokens")

    assert spans.paths == [
        "POST /api/v1/commands",
        "POST /api/v1/commands > RevokeTokens",
    ]
    assert spans.traces == {TRACE}
    assert dict(command.attributes or {}) == {
        "app.door": "http",
        "app.id": "k",
        "app.correlation_id": "call-7",
        "app.outcome": "ok",
    }
    assert [(event.name, dict(event.attributes or {})) for event in command.events] == [
        ("TokensRevoked", {"app.seq": 1})
    ]


@pytest.mark.parametrize("effect", ["Dispatch", "Run", "Stream", "Delay"])
async def test_an_effect_is_below_the_command_that_led_to_it(spans: Spans, effect: str) -> None:
    async def adds(attempt: Attempt) -> Command:
        return Add(7)

    async def flows(attempt: Attempt) -> AsyncIterator[Command]:
        for amount in (1, 2)[attempt.given :]:
            yield Add(amount)

    WORK["adds"], STREAMS["adds"] = adds, flows
    effects: dict[str, tuple[Durable[Command], list[str]]] = {
        "Dispatch": (Dispatch(Add(7)), ["root > Add"]),
        "Run": (Run(Work("adds")), ["root > Work", "root > Work > Add"]),
        "Stream": (Stream(Flow("adds")), ["root > Flow", *["root > Flow > Add"] * 2]),
        "Delay": (Delay(0.001, Add(7)), ["root > Add"]),
    }
    asked, paths = effects[effect]
    event_log, traces = traced(spans, MemoryLog())
    async with open_tally(event_log, traces=traces) as store:
        with structlog.contextvars.bound_contextvars(correlation_id="call-7"):
            root = traces.tracer.begin("root")
            await store.submit(Plan((asked,)), by=ME, mark=mark_of(root))
        root.end()
        await until(lambda: not store.head.effects.pending and len(spans.paths) > len(paths))

    assert spans.paths == ["root", *paths]
    assert len(spans.traces) == 1
    assert spans.correlations == {"call-7"}, "each span tells the request it comes from"


async def test_a_chain_of_effects_is_one_trace(spans: Spans) -> None:
    event_log, traces = traced(spans, MemoryLog())
    async with open_tally(event_log, traces=traces) as store:
        root = traces.tracer.begin("root")
        await store.submit(Add(1, more=1), by=ME, mark=mark_of(root))
        root.end()
        await until(lambda: len(spans.paths) == 2)

    assert spans.paths == ["root", "root > Add"]


async def test_a_task_is_called_within_the_span_of_its_attempt(spans: Spans) -> None:
    inside: list[int] = []

    async def looks(attempt: Attempt) -> Command:
        inside.append(trace.get_current_span().get_span_context().span_id)
        if len(inside) == 1:
            raise Unavailable("not now")
        return Add(1)

    WORK["looks"] = looks
    event_log, traces = traced(spans, MemoryLog())
    async with open_tally(event_log, traces=traces) as store:
        await store.dispatch(Plan((Run(Work("looks")),)), by=ME)
        await until(lambda: not store.head.effects.pending)
    attempts = [span for span in spans if span.name == "Work"]

    assert [span.context.span_id for span in attempts if span.context] == inside
    assert [(span.attributes or {})["app.outcome"] for span in attempts] == ["failed", "ok"]


async def test_after_a_restart_an_effect_is_still_in_the_trace_that_it_comes_from(
    spans: Spans, tmp_path: Path
) -> None:
    for attempt in range(2):
        opened = SqliteLog(tmp_path / "events.db")
        event_log, traces = traced(spans, opened)
        async with open_tally(event_log, traces=traces) as store:
            if attempt == 0:
                with structlog.contextvars.bound_contextvars(correlation_id="call-7"):
                    root = traces.tracer.begin("root")
                    await store.submit(Plan((Delay(0.3, Add(7)),)), by=ME, mark=mark_of(root))
                root.end()
            else:
                await until(lambda: store.state == 7)
        await opened.close()

    assert spans.paths == ["root", "root > Add"]
    assert spans.correlations == {"call-7"}


def test_spans_without_the_extra_are_refused_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk.trace", None)

    with pytest.raises(StartRefused, match=r"APP_TRACES_ENDPOINT is .* the extra `otel`"):
        create_app(settings_of(traces_endpoint="http://127.0.0.1:9/v1/traces"))


def test_what_is_no_address_of_a_collector_is_refused_in_words() -> None:
    with pytest.raises(StartRefused, match="'collector:4318': it is an address such as http"):
        create_app(settings_of(traces_endpoint="collector:4318"))


def test_without_a_collector_the_sdk_is_not_even_imported() -> None:
    program = "import sys, app.main; sys.exit('opentelemetry.sdk' in sys.modules)"
    quiet = {"APP_EVENT_LOG": "memory://", "PATH": ""}

    assert subprocess.run([sys.executable, "-c", program], cwd=ROOT, env=quiet).returncode == 0  # noqa: S603


# What a real process sends to a real collector


class Collector(BaseHTTPRequestHandler):
    """Takes spans by OTLP."""

    taken: ClassVar[list[Span]]

    def do_POST(self) -> None:
        """One batch."""
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.headers["Content-Encoding"] == "gzip":
            body = gzip.decompress(body)
        for of_resource in ExportTraceServiceRequest.FromString(body).resource_spans:
            for of_scope in of_resource.scope_spans:
                self.taken.extend(of_scope.spans)
        self.send_response(200)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@pytest.fixture
def collector() -> Iterator[HTTPServer]:
    """A collector, on a free port."""
    Collector.taken = []
    server = HTTPServer(("127.0.0.1", 0), Collector)
    serving = Thread(target=server.serve_forever)
    serving.start()
    yield server
    server.shutdown()
    serving.join()
    server.server_close()


async def test_spans_of_both_doors_reach_the_collector_by_the_time_the_service_has_ended(
    collector: HTTPServer, tmp_path: Path
) -> None:
    endpoint = f"http://127.0.0.1:{collector.server_port}/v1/traces"
    service = Service(tmp_path, APP_TRACES_ENDPOINT=endpoint).start()
    headers = {"traceparent": TRACEPARENT}
    try:
        async with httpx.AsyncClient(base_url=service.url, headers=headers) as http:
            await http.post("/api/v1/commands", json=COMMAND)
        async with connect(f"{service.ws}/ws", additional_headers=headers) as socket:
            await socket.send(json.dumps({"type": "command", "id": "1", "action": COMMAND}))
            while json.loads(await socket.recv())["type"] != "ack":
                pass
    finally:
        status = service.stop()
    commands = [span for span in Collector.taken if span.name == "RevokeTokens"]

    assert status == 0
    assert len(commands) == 2
    assert {span.trace_id.hex() for span in commands} == {TRACE}
    assert all(span.parent_span_id for span in commands)
