"""The only place that chooses implementations and puts them together."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from app import api, domain
from app.access.gate import require_may_send
from app.api.answers import answer_every_refusal
from app.api.body_limit import BodyLimit
from app.domain import Command, Event, State
from app.live import socket
from app.live.hub import Hub
from app.runtime.event_log import open_event_log
from app.runtime.rules import Rules
from app.runtime.store import open_store
from app.settings import Settings
from app.wire import codec

RULES: Rules[State, Command, Event] = Rules(
    initial=State(),
    reduce=domain.reduce,
    authorise=require_may_send,
    encode_action=codec.encode_action,
    decode_event=codec.decode_event,
    encode_effects=codec.encode_effects,
    decode_effects=codec.decode_effects,
)


def create_app(settings: Settings) -> FastAPI:
    """The whole service; it opens its event log when its lifespan begins."""
    app = FastAPI(title="Commands by HTTP", lifespan=_lifespan)
    app.state.settings = settings
    app.add_middleware(BodyLimit, most=settings.max_message_bytes)
    answer_every_refusal(app)
    app.include_router(api.router)
    app.include_router(socket.router)
    return app


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    """The event log, the Store and the hub, from the first request to the last."""
    settings: Settings = app.state.settings
    event_log = open_event_log(settings.event_log)
    try:
        async with open_store(event_log, RULES) as store:
            hub = Hub()
            store.listeners.append(hub.broadcast)
            app.state.store = store
            app.state.hub = hub
            yield
    finally:
        event_log.close()
