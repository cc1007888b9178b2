"""The State as its reader may see it: what a client starts from before it follows the events."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from app.access.gate import require_may_hear
from app.access.principal import Sender
from app.access.store import TheStore
from app.api.answers import unless_known
from app.core.principal import Principal
from app.core.rejected import Code, Rejected
from app.domain import VIEWS
from app.domain.policy import may_hear

router = APIRouter(prefix="/snapshot", tags=["snapshot"])


@router.get("")
async def snapshot(
    request: Request,
    store: TheStore,
    sender: Sender,
    topics: Annotated[str | None, Query(description="names, with commas between")] = None,
) -> Response:
    """Every view that the sender may see, or those of `topics`, and the `seq` they stand at."""
    names = _readable(sender) if topics is None else _asked_for(topics, sender)
    content = {
        "epoch": store.epoch,
        "seq": store.seq,
        "state": {name: VIEWS[name](store.state, sender) for name in names},
    }
    return unless_known(request, store, sender, content)


def _readable(reader: Principal) -> list[str]:
    return [name for name in VIEWS if _may_see(reader, name)]


def _asked_for(topics: str, reader: Principal) -> list[str]:
    names = topics.split(",")
    for name in names:
        if name not in VIEWS:
            known = ", ".join(VIEWS)
            raise Rejected(Code.INVALID, f"there is no topic '{name}'; the topics are {known}")
        if not _may_see(reader, name):
            require_may_hear(reader, name)
    return names


def _may_see(reader: Principal, name: str) -> bool:
    """A reader of a part of a topic, its own, sees that part."""
    return may_hear(reader, name) or may_hear(reader, f"{name}:{reader.name}")
