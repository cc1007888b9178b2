"""What happens, as server-sent events: the messages of the socket, one way."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from typing import Annotated, Any, NamedTuple

from fastapi import APIRouter, Depends, Header, Query, Request
from starlette.requests import ClientDisconnect
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from app.access.address import address_of
from app.access.gate import require_may_hear
from app.access.identity import Identity
from app.access.limits import Lease
from app.access.principal import identity_of_request
from app.access.subscription import Position, answer, asked_by, audience
from app.live.asgi import AsgiConnection
from app.live.live import Live
from app.live.message import PING, Message, Outgoing
from app.live.overheard import overheard
from app.live.port import TRANSPORT
from app.live.session import Session
from app.live.transport import hold_back
from app.runtime.store import STOPPING
from app.wire.protocol import Subscribe

# Proxies must not keep what belongs to one client, nor wait until there is more of it.
HEADERS = {"Cache-Control": "no-cache", "X-Accel-Buffering": "no"}

EVENT_STREAM = {"text/event-stream": {"schema": {"type": "string"}}}

router = APIRouter(prefix="/events", tags=["events"])


class Listening(NamedTuple):
    """A client that may listen: who it is, and what it asks for."""

    live: Live
    identity: Identity
    lease: Lease
    asked: Subscribe


async def listening(
    request: Request,
    topics: Annotated[str | None, Query(description="names, with commas between")] = None,
    since: Annotated[str | None, Query(description="begin after this `seq`")] = None,
    epoch: Annotated[str | None, Query(description="the epoch that `since` belongs to")] = None,
    last_event_id: Annotated[str | None, Header(description="`epoch:seq`, of a browser")] = None,
) -> AsyncIterator[Listening]:
    """Whoever may listen, counted among the connections; raises Rejected for others."""
    live: Live = request.app.state.live
    identity = await identity_of_request(request)
    if not live.store.is_open:
        raise STOPPING.anew()
    if last_event_id:
        epoch, _, since = last_event_id.rpartition(":")
    asked = asked_by(topics, since, epoch) or Subscribe(type="subscribe")
    hearers = audience(identity.principal, asked)
    position = Position(live.store.seq, live.store.epoch, live.settings.resume_events)
    lease = live.limits.connect(address_of(request))
    try:
        lease.identify(identity.principal)
        told = answer(hearers, asked, position)
        if not told.topics:
            require_may_hear(identity.principal, (told.denied or ["events"])[0])
        yield Listening(live, identity, lease, asked)
    finally:
        lease.release()


class Streaming(StreamingResponse):
    """An answer that lasts until the client leaves, or has to go."""

    media_type = "text/event-stream"

    def __init__(self, listening: Listening) -> None:
        super().__init__((), headers=HEADERS)
        self._listening = listening

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, and let the client hear what happens."""
        live, identity, lease, asked = self._listening
        # A body says nothing here. Too much of one is refused, but not once an answer has begun.
        with suppress(ClientDisconnect):
            async for _ in Request(scope, receive).stream():
                pass
        await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        exchange = Exchange(scope, receive, send)
        stream = EventStream(exchange, live.settings.send_buffer_bytes, live.store.epoch)
        connection = overheard(stream)
        session = StreamSession(live, connection, identity, lease)
        serving = connection.serve(session)
        session.begin(asked)
        assert serving is not None  # noqa: S101 - it is none of those that serve by themselves
        await serving


# Of a response class that names a type, all refusals would be described as of that type.
@router.get("", response_class=Response, responses={200: {"content": EVENT_STREAM}})
async def follow_events(
    listening: Annotated[Listening, Depends(listening)],
) -> Streaming:
    """First an event named `subscribed`, then each `event` message, while the client listens.

    An id is `epoch:seq`; a browser that was away sends the last one, and goes on after it. The
    stream ends when the token expires or is revoked, when the client takes less than it is sent,
    and when the service stops.
    """
    return Streaming(listening)


class StreamSession(Session):
    """A client that only listens. It was let in for what it may hear, and says no more."""

    __slots__ = ()
    is_stream = True


class Exchange(NamedTuple):
    """A request that is being answered, in the terms of ASGI."""

    scope: Scope
    receive: Receive
    send: Send


class EventStream(AsgiConnection):
    """The answer as a connection: what is written to it goes out as events."""

    def __init__(self, exchange: Exchange, budget: int, epoch: str) -> None:
        """`budget` is in bytes: what may wait before the client counts as too slow."""
        super().__init__(exchange, budget)
        self._epoch = epoch
        self._transport: asyncio.Transport | None
        self._transport = exchange.scope.get("extensions", {}).get(TRANSPORT)
        if self._transport is not None:
            hold_back(self._transport)

    def ping(self) -> None:
        """Let those in between see that the stream lives; the client cannot answer."""
        if self.blocked is None:
            self.write(PING)

    def abort(self) -> None:
        """Cut it off: an answer to somebody who takes nothing does not end by itself."""
        if self._transport is not None:
            self._transport.abort()
        super().abort()

    def _sent(self, message: Outgoing) -> Iterator[dict[str, Any]]:
        events = b"".join([_event(part, self._epoch) for part in message.parts])
        yield {"type": "http.response.body", "body": events, "more_body": True}

    def _goodbye_of(self, code: int, reason: str) -> dict[str, Any]:
        return {"type": "http.response.body"}


def _event(message: Message, epoch: str) -> bytes:
    """A message as one event, or a ping as a comment (WHATWG HTML, 9.2.6)."""
    if message is PING:
        return b": ping\n\n"
    name = b"event: subscribed\n" if message.type == "subscribed" else b""
    position = b"" if message.seq is None else f"id: {epoch}:{message.seq}\n".encode()
    return b"%bdata: %b\n%b\n" % (name, message.json, position)
