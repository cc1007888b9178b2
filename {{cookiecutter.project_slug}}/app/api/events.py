"""What happens, as server-sent events: the messages of the socket, one way."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from typing import Annotated, NamedTuple

from fastapi import APIRouter, Depends, Header, Query, Request
from fastapi.sse import EventSourceResponse, ServerSentEvent

from app.access.address import address_of
from app.access.gate import require_may_hear
from app.access.identity import Identity, is_revoked
from app.access.limits import Limits
from app.access.principal import identity_of_request
from app.access.store import TheStore
from app.access.subscription import Audience, Position, answer, asked_by, audience
from app.api.answers import refusal
from app.domain import Event
from app.domain.revocation.actions import TokensRevoked
from app.observe.metrics import Metrics
from app.runtime.decision import Happened
from app.runtime.store import STOPPING
from app.settings import Settings
from app.wire import codec
from app.wire.protocol import Subscribe, Subscribed

router = APIRouter(prefix="/events", tags=["events"])


class Listener(NamedTuple):
    """A client that may listen: what it is told first, and where its stream begins."""

    identity: Identity
    audience: Audience
    subscribed: Subscribed
    after: int


async def listener(
    request: Request,
    store: TheStore,
    topics: Annotated[str | None, Query(description="names, with commas between")] = None,
    since: Annotated[str | None, Query(description="begin after this `seq`")] = None,
    epoch: Annotated[str | None, Query(description="the epoch that `since` belongs to")] = None,
    last_event_id: Annotated[str | None, Header(description="`epoch:seq`, of a browser")] = None,
) -> AsyncIterator[Listener]:
    """Whoever may listen, counted among the connections; raises Rejected for others."""
    settings: Settings = request.app.state.settings
    limits: Limits = request.app.state.limits
    identity = await identity_of_request(request)
    if not store.is_open:
        raise STOPPING
    if last_event_id:
        epoch, _, since = last_event_id.rpartition(":")
    asked = asked_by(topics, since, epoch) or Subscribe(type="subscribe")
    hearers = audience(identity.principal, asked)
    lease = limits.connect(address_of(request))
    try:
        lease.identify(identity.principal)
        subscribed = answer(
            hearers, asked, Position(store.seq, store.epoch, settings.resume_events)
        )
        if not subscribed.topics:
            require_may_hear(identity.principal, (subscribed.denied or ["events"])[0])
        if asked.since is not None:
            metrics: Metrics = request.app.state.metrics
            metrics.resumed("log" if subscribed.recovered else "miss")
        after = asked.since if subscribed.recovered and asked.since is not None else store.seq
        yield Listener(identity, hearers, subscribed, after)
    finally:
        lease.release()


@router.get("", response_class=EventSourceResponse, responses={422: refusal(422)})
async def follow_events(
    store: TheStore, listener: Annotated[Listener, Depends(listener)]
) -> AsyncIterator[ServerSentEvent]:
    """First an event named `subscribed`, then each `event` message, while the client listens.

    An id is `epoch:seq`; a browser that was away sends the last one, and goes on after it. The
    stream ends when the token expires or is revoked, and when the service stops.
    """
    hearers, identity = listener.audience, listener.identity
    topics = None if hearers.topics is None else hearers.topics | {"revocation"}
    async with store.subscribe(listener.after, topics) as events:
        with _until(identity.expires, events.end):
            yield ServerSentEvent(
                raw_data=codec.subscribed_message(listener.subscribed).decode(),
                event="subscribed",
                id=f"{store.epoch}:{listener.after}",
            )
            async for happened in events:
                if isinstance(happened.event, TokensRevoked) and is_revoked(identity, store.state):
                    return
                if hearers.hears(happened.topic, ephemeral=happened.seq is None):
                    yield _sent(happened, store.epoch)


def _sent(happened: Happened[Event], epoch: str) -> ServerSentEvent:
    message = codec.event_message(happened.json, happened.seq, happened.cause)
    position = None if happened.seq is None else f"{epoch}:{happened.seq}"
    return ServerSentEvent(raw_data=message.decode(), id=position)


@contextmanager
def _until(moment: float | None, end: Callable[[], None]) -> Iterator[None]:
    """Have `end` called at this moment, in seconds since 1970, if the context lasts so long."""
    if moment is None:
        yield
        return
    timer = asyncio.get_running_loop().call_later(moment - time.time(), end)
    try:
        yield
    finally:
        timer.cancel()
