"""The State as its reader may see it: what a client starts from before it follows the events."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from app.access.gate import require_may_hear
from app.access.principal import Sender
from app.access.store import TheStore
from app.access.subscription import may_hear_of, no_topic
from app.api.answers import or_unchanged, unless_known
from app.core.principal import Principal
from app.domain import VIEWS
from app.wire.views import Snapshot

router = APIRouter(prefix="/snapshot", tags=["snapshot"])


@router.get("", responses=or_unchanged(Snapshot))
async def snapshot(
    request: Request,
    store: TheStore,
    sender: Sender,
    topics: Annotated[str | None, Query(description="names, with commas between")] = None,
) -> Response:
    """Every view that the sender may see, or those of `topics`, and the `seq` they stand at.

    Whoever may see none is refused, as by `GET /api/v1/events`.
    """
    names = _readable(sender) if topics is None else _asked_for(topics, sender)

    def views() -> Snapshot:
        made = {name: VIEWS[name](store.state, sender) for name in names}
        return Snapshot(store.epoch, store.seq, made)

    return unless_known(request, store, sender, views)


def _readable(reader: Principal) -> list[str]:
    names = [name for name in VIEWS if may_hear_of(reader, name)]
    if not names:
        require_may_hear(reader, "the state")
    return names


def _asked_for(topics: str, reader: Principal) -> list[str]:
    names = list(dict.fromkeys(topics.split(",")))  # each once, however often it is asked for
    for name in names:
        if name not in VIEWS:
            raise no_topic(name, VIEWS)
        if not may_hear_of(reader, name):
            require_may_hear(reader, name)
    return names
