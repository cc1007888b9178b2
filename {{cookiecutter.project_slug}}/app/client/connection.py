"""One connection to the service, from its beginning to its end."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable
from contextlib import suppress
from http import HTTPStatus
from time import monotonic
from typing import Any

from websockets.asyncio.client import ClientConnection
from websockets.asyncio.client import connect as open_socket
from websockets.exceptions import ConnectionClosed

from .ending import CloseCode, Lost
from .inbox import Inbox
from .login import Login
from .messages import Event, message
from .outbox import Outbox
from .timing import Timing

MESSAGE_BYTES = 16 * 1024 * 1024
GOODBYE_SECONDS = 1
FINAL = ("invalid", "forbidden", "unauthenticated")

log = logging.getLogger(__name__)


class Connection:
    """Says what waits to be said, and hands on what is heard."""

    def __init__(
        self,
        topics: list[str] | None,
        timing: Timing,
        *,
        inbox: Inbox,
        outbox: Outbox,
        on_live: Callable[[], None],
    ) -> None:
        self._topics, self._timing = topics, timing
        self._inbox, self._outbox, self._on_live = inbox, outbox, on_live
        self._outgoing: asyncio.Queue[str] | None = None  # no more than the outbox, and a question
        self._lost: Lost | None = None
        self.live_at: float | None = None

    def say(self, text: str) -> None:
        """One message, if the connection is open: what is said before is not lost, but in vain."""
        if self._outgoing is not None:
            self._outgoing.put_nowait(text)

    def subscribe(self) -> None:
        """Ask for what is missed, and all that follows."""
        self.say(message("subscribe", topics=self._topics, **self._inbox.ask()))

    async def last(self, url: str, headers: dict[str, str], login: Login) -> Lost:
        """Open it, and stay until it is closed; how it has ended.

        Raises OSError, TimeoutError or WebSocketException when it cannot be opened.
        """
        async with asyncio.timeout(self._timing.connect_within):
            socket = await open_socket(
                url,
                additional_headers=headers,
                ping_interval=None,  # not before what waits to be read has been
                open_timeout=None,
                close_timeout=GOODBYE_SECONDS,
                max_size=MESSAGE_BYTES,
            )
        try:
            await self._converse(socket, login)
        finally:
            self._outbox.end(is_too_big=_is_too_big(socket))
            self._outgoing = None
            await socket.close()
        return self._lost or Lost(socket.close_code or CloseCode.LOST, socket.close_reason or "")

    async def _converse(self, socket: ClientConnection, login: Login) -> None:
        """Say and hear, until the connection is closed."""
        self._outgoing = asyncio.Queue()
        self.subscribe()
        self._outbox.begin(self._command)
        async with asyncio.TaskGroup() as group:
            saying = group.create_task(_say(socket, self._outgoing))
            renewing = group.create_task(login.renew(self._timing, self._log_in))
            await self._listen(socket)
            saying.cancel()
            renewing.cancel()

    def _command(self, text: str) -> None:
        self._inbox.look_again()
        self.say(text)

    def _log_in(self, token: str) -> None:
        self.say(message("auth", token=token))

    async def _listen(self, socket: ClientConnection) -> None:
        """Hear until it is closed, or until hearing more makes no sense."""
        try:
            while self._lost is None:
                await self._take(await self._hear(socket))
        except ConnectionClosed:
            return
        except (KeyError, TypeError, ValueError) as problem:  # passed over, it would be missed
            log.warning("what the service says cannot be read: %r", problem)
            self._lost = Lost(CloseCode.MISTAKE, "what it says cannot be read")

    async def _hear(self, socket: ClientConnection) -> Any:
        """The next message; after a silence ask whether anybody is there, and wait no longer."""
        with suppress(TimeoutError):
            async with asyncio.timeout(self._timing.ping_after):
                return json.loads(await socket.recv())
        self.say(message("ping"))
        try:
            async with asyncio.timeout(self._timing.pong_within):
                return json.loads(await socket.recv())
        except TimeoutError:
            self._lost = Lost(CloseCode.LOST, "no answer to a ping")
            socket.transport.abort()
            return {"type": "pong"}

    async def _take(self, told: Any) -> None:
        match told:
            case {"type": "event", "action": action}:
                event = Event(action, told.get("seq"), told.get("cause"))
                await self._inbox.happened(event, self._outbox)
            case {"type": "ack" | "error", "id": id} if id in self._outbox:
                self._outbox.settle(told)
            case {"type": "error", "code": code, "message": text}:
                log.warning("refused: %s (%s)", text, code)
                if self.live_at is None:
                    final = code in FINAL
                    self._lost = Lost(HTTPStatus.FORBIDDEN if final else CloseCode.LOST, text)
            case {"type": "subscribed", "recovered": False} if self._topics != []:
                self._inbox.forget()  # a snapshot is taken before the next connection
                self._lost = Lost(CloseCode.LOST, "away for too long: starting anew")
            case {"type": "subscribed", "epoch": epoch}:
                self._inbox.follow(epoch)
                if self.live_at is None:
                    self.live_at = monotonic()
                    self._on_live()
            case {"type": "ping"}:
                self.say(message("pong"))


def _is_too_big(socket: ClientConnection) -> bool:
    """Whether the service has said so: that is also what is said of too big a message of its."""
    is_its_word = socket.protocol.close_rcvd_then_sent is True
    return is_its_word and socket.close_code == CloseCode.TOO_BIG


async def _say(socket: ClientConnection, outgoing: asyncio.Queue[str]) -> None:
    with suppress(ConnectionClosed):
        while True:
            await socket.send(await outgoing.get())
