"""The one WebSocket route: commands come in, events go out."""

import asyncio
from functools import partial
from typing import Annotated

import structlog
from fastapi import APIRouter, Query, WebSocket

from app.access.principal import Sender
from app.access.store import AppStore, Outcome, TheStore
from app.core.principal import Principal
from app.core.rejected import Code, Rejected
from app.domain import TOPICS
from app.live.connection import Connection
from app.live.hub import Audience, Hub
from app.observe.traffic import Traffic
from app.settings import Settings
from app.wire import codec
from app.wire.protocol import Command, Ping, Pong

IN_FLIGHT = 64

router = APIRouter()
log = structlog.get_logger(__name__)


@router.websocket("/ws")
@router.websocket("/api/v1/ws")
async def live(
    websocket: WebSocket,
    store: TheStore,
    principal: Sender,
    topics: Annotated[str | None, Query()] = None,
) -> None:
    """Decide what the client sends, in order; let it hear what happens, until it leaves.

    `topics` are names with commas between. Without them a client hears every durable event that it
    may hear; passing events reach only those who name their topic.
    """
    settings: Settings = websocket.app.state.settings
    hub: Hub = websocket.app.state.hub
    audience = Audience(principal, named(topics))
    connection = Connection(websocket, settings.send_buffer_bytes)
    await websocket.accept()
    with hub.joined(connection, audience):
        async with connection.open():
            session = Session(connection, store, principal, websocket.app.state.traffic)
            await session.read(websocket)


def named(topics: str | None) -> frozenset[str] | None:
    """The topics of a query; raises Rejected for one that does not exist."""
    if topics is None:
        return None
    names = frozenset(topics.split(","))
    for name in names:
        if name.split(":")[0] not in TOPICS:
            known = ", ".join(sorted(TOPICS))
            raise Rejected(Code.INVALID, f"there is no topic '{name}'; the topics are {known}")
    return names


class Session:
    """What one client asks for, and the answers that are its alone."""

    def __init__(
        self, connection: Connection, store: AppStore, principal: Principal, traffic: Traffic
    ) -> None:
        self._connection = connection
        self._store = store
        self._principal = principal
        self._traffic = traffic
        self._in_flight = asyncio.Semaphore(IN_FLIGHT)

    async def read(self, websocket: WebSocket) -> None:
        """Take each message in its turn, until the client leaves."""
        while (message := await websocket.receive())["type"] != "websocket.disconnect":
            text = message.get("text")
            if text is None:
                self._refuse(Rejected(Code.INVALID, "binary frames say nothing here: send text"))
            else:
                await self._take(text)

    async def _take(self, text: str) -> None:
        try:
            message = codec.decode_message(text)
        except Rejected as refusal:
            self._refuse(refusal, codec.id_of(text))
            return
        match message:
            case Ping():
                self._connection.write(codec.PONG, first=True)
            case Pong():
                pass
            case Command():
                await self._in_flight.acquire()
                answer = self._store.submit(message.action, by=self._principal, id=message.id)
                answer.add_done_callback(partial(self._answered, message.id))

    def _answered(self, id: str | None, answer: asyncio.Future[Outcome]) -> None:
        self._in_flight.release()
        fault = answer.exception()
        self._traffic.count(failed=is_ours(fault))
        match fault:
            case None if id is not None:
                outcome = answer.result()
                ack = codec.ack_message(id, outcome.seq, duplicate=outcome.duplicate)
                self._connection.write(ack)
            case None:
                pass
            case Rejected() as refusal:
                self._refuse(refusal, id)
            case _:
                log.error("a command failed", exc_info=fault)
                self._refuse(Rejected(Code.INTERNAL, "the service made a mistake"), id)

    def _refuse(self, refusal: Rejected, id: str | None = None) -> None:
        self._connection.write(codec.error_message(refusal, id).decode())


def is_ours(fault: BaseException | None) -> bool:
    """Whether a command failed through no fault of its sender."""
    if isinstance(fault, Rejected):
        return fault.code in (Code.INTERNAL, Code.UNAVAILABLE)
    return fault is not None
