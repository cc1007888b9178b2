"""The one WebSocket route: commands come in, events go out."""

import asyncio
from functools import partial

import structlog
from fastapi import APIRouter, WebSocket

from app.access.principal import Sender
from app.access.store import AppStore, Outcome, TheStore
from app.core.principal import Principal
from app.core.rejected import Code, Rejected
from app.live.connection import Connection
from app.live.hub import Hub
from app.settings import Settings
from app.wire import codec
from app.wire.protocol import Command, Ping, Pong

IN_FLIGHT = 64

router = APIRouter()
log = structlog.get_logger(__name__)


@router.websocket("/ws")
@router.websocket("/api/v1/ws")
async def live(websocket: WebSocket, store: TheStore, principal: Sender) -> None:
    """Decide what the client sends, in order; let it hear what happens, until it leaves."""
    settings: Settings = websocket.app.state.settings
    hub: Hub = websocket.app.state.hub
    connection = Connection(websocket, settings.send_buffer_bytes)
    await websocket.accept()
    with hub.joined(connection, principal):
        async with connection.open():
            await Session(connection, store, principal).read(websocket)


class Session:
    """What one client asks for, and the answers that are its alone."""

    def __init__(self, connection: Connection, store: AppStore, principal: Principal) -> None:
        self._connection = connection
        self._store = store
        self._principal = principal
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
        match answer.exception():
            case None if id is not None:
                self._connection.write(codec.ack_message(id, answer.result().seq))
            case None:
                pass
            case Rejected() as refusal:
                self._refuse(refusal, id)
            case fault:
                log.error("a command failed", exc_info=fault)
                self._refuse(Rejected(Code.INTERNAL, "the service made a mistake"), id)

    def _refuse(self, refusal: Rejected, id: str | None = None) -> None:
        self._connection.write(codec.error_message(refusal, id).decode())
