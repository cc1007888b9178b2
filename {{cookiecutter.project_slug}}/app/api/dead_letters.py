"""What has failed for good, for an operator: to be looked at, performed anew, or given up."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import orjson
from fastapi import APIRouter, Response

from app.access.door import TheDoor
from app.access.gate import require_may_operate
from app.access.principal import Sender
from app.access.store import TheStore
from app.api.answers import json_answer
from app.api.pages import Limit, Page
from app.core.environment import EPOCH
from app.domain import Command
from app.runtime.pending import Pending
from app.wire import codec

router = APIRouter(prefix="/dead-letters", tags=["operation"])


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """An effect as it is stored, the time at which its turn came, and why it has failed.

    Its one key says what kind it is. `cause` is the client's id of the command at the root.
    """

    origin: str
    effect: dict[str, Any]
    since: datetime
    attempts: int
    problem: str | None
    cause: str | None


@router.get("", responses={200: {"model": Page[DeadLetter]}})
async def list_dead_letters(
    store: TheStore,
    sender: Sender,
    limit: Limit = 100,
    after: str | None = None,
) -> Response:
    """A page of them, those that failed first in front; `next` is the `after` of the next page.

    An `after` that is no dead letter any more means the first page.
    """
    require_may_operate(sender)
    letters = store.dead_letters(after, limit + 1)
    page = letters[:limit]
    following = page[-1][0] if len(letters) > limit else None
    items = [_letter(origin, pending) for origin, pending in page]
    return json_answer({"items": items, "next": following})


@router.post("/{origin}/retry", status_code=204)
async def retry(origin: str, store: TheStore, door: TheDoor) -> Response:
    """Perform it anew, as often as an effect is tried that has not failed yet."""
    door.admit()
    require_may_operate(door.sender)
    await store.retry(origin, by=door.sender)
    return Response(status_code=204)


@router.post("/{origin}/discard", status_code=204)
async def discard(origin: str, store: TheStore, door: TheDoor) -> Response:
    """Give it up: it has ended, unperformed."""
    door.admit()
    require_may_operate(door.sender)
    await store.discard(origin, by=door.sender)
    return Response(status_code=204)


def _letter(origin: str, pending: Pending[Command]) -> DeadLetter:
    (effect,) = orjson.loads(codec.encode_effects([pending.effect]))
    since = EPOCH + timedelta(microseconds=pending.since)
    return DeadLetter(origin, effect, since, pending.attempts, pending.dead, pending.cause)
