"""What has failed for good, for an operator: to be looked at, performed anew, or given up."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import orjson
from fastapi import APIRouter, Request, Response

from app.access.door import TheDoor
from app.access.gate import require_may_operate
from app.access.principal import Sender
from app.access.store import TheStore
from app.api.answers import counted, json_answer, require_may_read_more
from app.api.pages import PAGE_BYTES, Limit, Page
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
    request: Request,
    store: TheStore,
    sender: Sender,
    limit: Limit = 100,
    after: str | None = None,
) -> Response:
    """A page of them, those that failed first in front; `next` is the `after` of the next page.

    An `after` that is no dead letter any more means the first page. Of big ones there are fewer on
    a page.
    """
    require_may_operate(sender)
    require_may_read_more(request, sender)
    letters = store.dead_letters(after, limit + 1)
    items = _few(letters[:limit])
    following = items[-1].origin if len(letters) > len(items) else None
    return counted(request, sender, json_answer(Page(items, following)))


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


def _few(letters: Sequence[tuple[str, Pending[Command]]]) -> list[DeadLetter]:
    """The first of these, as many as a page has room for."""
    found: list[DeadLetter] = []
    room = PAGE_BYTES
    for origin, pending in letters:
        stored = codec.encode_effects([pending.effect])
        room -= len(stored) + len(pending.dead or "")
        if found and room < 0:
            break
        (effect,) = orjson.loads(stored)
        since = EPOCH + timedelta(microseconds=pending.since)
        letter = DeadLetter(origin, effect, since, pending.attempts, pending.dead, pending.cause)
        found.append(letter)
    return found
