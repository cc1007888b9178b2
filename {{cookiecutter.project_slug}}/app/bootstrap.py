"""The only place that chooses implementations and puts them together."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import fields
from functools import partial
from pathlib import Path

from fastapi import FastAPI
from opentelemetry.trace import TracerProvider
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

# First: what is wrong with a State is told by name here, and would not be where routes show it.
from app.wire.state import decode_state, encode_state

# isort: split
from app import api, domain
from app.access.address import proxies_of
from app.access.door import Door
from app.access.gate import require_may_send
from app.access.identity import Authenticator
from app.access.limits import Limits
from app.access.origin import origins_of
from app.access.start import require_safe
from app.access.store import AppStore
from app.adapters import open_ports
from app.api.answers import REFUSALS, answer_every_refusal
from app.api.body_limit import BodyLimit
from app.api.correlation import Correlation
from app.api.cors import share_answers
from app.api.exact_path import ExactPath
from app.api.faults import AnswerFaults
from app.api.known_host import KnownHost
from app.api.openapi import Described, operation_id
from app.core.ports import Ports
from app.core.rejected import StartRefused
from app.core.terms import Terms
from app.domain import Command, Event, State
from app.live import socket, stream
from app.live.gauges import gauges
from app.live.hub import Hub
from app.live.keepalive import Keepalive
from app.live.live import Live
from app.live.past import Past

# {%- if cookiecutter.starter == "showcase" +%}
from app.live.presence import telling_presence
from app.live.pulse import reporting

# {%- endif +%}
from app.live.recent import Recent
from app.live.sessions import Sessions
from app.observe.lag import measuring_lag
from app.observe.metrics import Metrics
from app.observe.requests import CountRequests
from app.observe.traces import Tracer, open_exporter, telemetry
from app.runtime.event_log import open_event_log
from app.runtime.event_log.reach import reach
from app.runtime.history import History
from app.runtime.rules import Rules
from app.runtime.store import open_store
from app.runtime.traced import Traces
from app.settings import Settings
from app.wire import codec
from app.wire.fingerprint import FINGERPRINT

NAME = Path(__file__).with_name("name.txt").read_text("utf-8").strip()


def rules(settings: Settings) -> Rules[State, Command, Event]:
    """All that the runtime is told about this domain."""
    own = {field.name for field in fields(Terms)}
    return Rules(
        initial=State(),
        reduce=domain.reduce,
        authorise=require_may_send,
        topic_of=domain.topic_of,
        encode_command=codec.encode_command,
        decode_command=codec.decode_command,
        encode_event=codec.encode_event,
        decode_event=codec.decode_event,
        told_event=codec.told_event,
        encode_effects=codec.encode_effects,
        decode_effects=codec.decode_effects,
        encode_state=encode_state,
        decode_state=decode_state,
        fingerprint=FINGERPRINT,
        terms=Terms(**settings.model_dump(include=own)),
        remember_seconds=settings.idempotency_hours * 3600,
        own_topics=domain.OWN_TOPICS,
        intervals=domain.EPHEMERAL,
    )


def create_app(
    settings: Settings,
    ports: Callable[[], AbstractAsyncContextManager[Ports]] = open_ports,
    *,
    spans: TracerProvider | None = None,
    metrics: Metrics | None = None,
) -> FastAPI:
    """The whole service; it opens its event log when its lifespan begins.

    Tests may hand in what opens other `ports` than those of `adapters/`, and where `spans` go;
    workers, the `metrics` that they share. Raises StartRefused where the settings would let in
    whoever must stay outside.
    """
    require_safe(settings)
    spans = spans or _spans(settings)
    app = Described(
        title=NAME,
        version="1",
        separate_input_output_schemas=False,
        description="What goes over the WebSocket: [/docs/ws](/docs/ws).",
        lifespan=_lifespan,
        telemetry=telemetry(spans),
        generate_unique_id_function=operation_id,
    )
    app.state.tracer = None if spans is None else Tracer(spans)
    app.state.settings = settings
    app.state.authenticator = Authenticator(settings)
    app.state.origins = origins_of(settings)
    app.state.limits = Limits(settings)
    app.state.ports = ports
    app.state.metrics = metrics or Metrics()
    app.state.has_failed = False
    app.add_middleware(BodyLimit, most=settings.max_message_bytes)
    app.add_middleware(ExactPath)
    if settings.is_open:
        app.add_middleware(KnownHost)
    app.add_middleware(AnswerFaults)
    app.add_middleware(CountRequests, metrics=app.state.metrics)
    share_answers(app, app.state.origins)
    app.add_middleware(Correlation)
    if proxies := proxies_of(settings):
        app.add_middleware(ProxyHeadersMiddleware, trusted_hosts=proxies)
    answer_every_refusal(app)
    app.include_router(socket.router)  # for every request routes are gone through in this order
    for router in (*api.V1, stream.router):
        app.include_router(router, prefix="/api/v1", responses=REFUSALS)
    for router in api.ROUTERS:
        app.include_router(router)
    return app


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    """The event log, the ports, the Store and the hub, from the first request to the last."""
    settings: Settings = app.state.settings
    async with AsyncExitStack() as opened:
        event_log = open_event_log(settings.event_log, shared=settings.workers > 1)
        opened.push_async_callback(event_log.close)
        await reach(event_log)
        traces = None if app.state.tracer is None else Traces(app.state.tracer, event_log)
        ports = await opened.enter_async_context(app.state.ports())
        store = await opened.enter_async_context(
            open_store(
                event_log,
                rules(settings),
                ports,
                grace_seconds=settings.drain_seconds,
                traces=traces,
                appends=app.state.metrics,
            )
        )
        app.state.store = store
        app.state.history = History(event_log, rules(settings))
        app.state.door = _door("http", app, store)
        app.state.live = live = _live(app, store)
        await opened.enter_async_context(live.sessions.watched())
        await opened.enter_async_context(live.keepalive.running())
        await opened.enter_async_context(app.state.metrics.reading(gauges(live)))
        await opened.enter_async_context(measuring_lag(app.state.metrics))
        # {% if cookiecutter.starter == "showcase" %}
        await opened.enter_async_context(reporting(live))
        await opened.enter_async_context(telling_presence(live))
        # {% endif %}
        try:
            yield
        except BaseException:  # only a new start helps, and not every server ends by itself
            app.state.has_failed = True
            raise


def _spans(settings: Settings) -> TracerProvider | None:
    if not settings.traces_endpoint:
        return None
    try:
        return open_exporter(settings.traces_endpoint)
    except (ImportError, ValueError) as problem:
        named = f"APP_TRACES_ENDPOINT is '{settings.traces_endpoint}'"
        raise StartRefused(f"{named}: {problem}") from None


def _door(name: str, app: FastAPI, store: AppStore) -> Door:
    return Door(name, store, app.state.limits, app.state.metrics, app.state.tracer)


def _live(app: FastAPI, store: AppStore) -> Live:
    """The live connection: who is connected, and who hears what."""
    settings: Settings = app.state.settings
    recent = Recent(settings.ring_events, store.seq)
    live = Live(
        store,
        Past(store),
        Hub(recent, app.state.metrics, settings.flush_milliseconds / 1000),
        Sessions(lambda: store.has_ended),
        Keepalive(
            settings.ping_seconds, no_pong=partial(app.state.metrics.dropped_client, "no_pong")
        ),
        _door("ws", app, store),
        app.state.limits,
        app.state.authenticator,
        settings,
        app.state.metrics,
    )
    # First everybody hears of a revocation, then it ends the sessions that it is about.
    store.listeners.extend((live.hub.broadcast, live.sessions.hear_of))
    return live
