"""The only place that chooses implementations and puts them together."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import fields

from fastapi import FastAPI

from app import api, domain
from app.access.gate import require_may_send
from app.adapters import open_ports
from app.api.answers import answer_every_refusal
from app.api.body_limit import BodyLimit
from app.api.correlation import Correlation
from app.core.ports import Ports
from app.core.terms import Terms
from app.domain import Command, Event, State
from app.live import socket
from app.live.hub import Hub

# {%- if cookiecutter.starter == "showcase" +%}
from app.live.pulse import reporting

# {%- endif +%}
from app.observe.traffic import CountRequests, Traffic
from app.runtime.event_log import open_event_log
from app.runtime.rules import Rules
from app.runtime.store import open_store
from app.settings import Settings
from app.wire import codec
from app.wire.fingerprint import FINGERPRINT
from app.wire.state import decode_state, encode_state


def rules(settings: Settings) -> Rules[State, Command, Event]:
    """All that the runtime is told about this domain."""
    own = {field.name for field in fields(Terms)}
    return Rules(
        initial=State(),
        reduce=domain.reduce,
        authorise=require_may_send,
        topic_of=domain.topic_of,
        encode_action=codec.encode_action,
        decode_command=codec.decode_command,
        decode_event=codec.decode_event,
        encode_effects=codec.encode_effects,
        decode_effects=codec.decode_effects,
        encode_state=encode_state,
        decode_state=decode_state,
        fingerprint=FINGERPRINT,
        terms=Terms(**settings.model_dump(include=own)),
        remember_seconds=settings.idempotency_hours * 3600,
    )


def create_app(settings: Settings, ports: Ports | None = None) -> FastAPI:
    """The whole service; it opens its event log when its lifespan begins.

    Tests may hand in other `ports` than those of `adapters/`.
    """
    app = FastAPI(title="Commands by HTTP", lifespan=_lifespan)
    app.state.settings = settings
    app.state.ports = ports or open_ports()
    app.state.traffic = Traffic()
    app.add_middleware(BodyLimit, most=settings.max_message_bytes)
    app.add_middleware(CountRequests, traffic=app.state.traffic)
    app.add_middleware(Correlation)
    answer_every_refusal(app)
    app.include_router(api.router)
    app.include_router(socket.router)
    return app


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    """The event log, the Store and the hub, from the first request to the last."""
    settings: Settings = app.state.settings
    async with AsyncExitStack() as opened:
        event_log = open_event_log(settings.event_log)
        opened.callback(event_log.close)
        store = await opened.enter_async_context(
            open_store(
                event_log, rules(settings), app.state.ports, grace_seconds=settings.drain_seconds
            )
        )
        hub = Hub()
        store.listeners.append(hub.broadcast)
        app.state.store = store
        app.state.hub = hub
        # {% if cookiecutter.starter == "showcase" %}
        seconds, traffic = settings.metrics_seconds, app.state.traffic
        await opened.enter_async_context(reporting(store, hub, traffic, seconds))
        # {% endif %}
        yield
