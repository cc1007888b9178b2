"""The counter over HTTP."""

from typing import Annotated

from fastapi import APIRouter, Request, Response

from app.access.command_id import CommandId
from app.access.door import TheDoor
from app.access.gate import require_may_hear
from app.access.principal import Sender
from app.access.store import TheStore
from app.api.answers import as_it_stands, entity_tag, json_answer, or_unchanged, unless_known
from app.domain.counter.actions import Increment, Incremented, Reset
from app.domain.counter.state import Counter
from app.wire.tagged import Untagged

router = APIRouter(prefix="/counter", tags=["counter"])


@router.get("", responses=or_unchanged(Counter))
async def get_counter(request: Request, store: TheStore, sender: Sender) -> Response:
    """Where the counter stands."""
    require_may_hear(sender, "counter")
    return unless_known(request, store, sender, lambda: store.state.counter)


@router.post("/increment", responses={200: {"model": Incremented}})
async def increment(
    command: Annotated[Increment, Untagged()], door: TheDoor, id: CommandId = None
) -> Response:
    """Count further; the answer is the event, which says where the counter then stood."""
    outcome = await door.dispatch(command, id=id)
    (counted,) = [e.event for e in outcome.events if isinstance(e.event, Incremented)]
    return json_answer(counted, headers=entity_tag(outcome.seq, door.epoch, door.sender))


@router.post("/reset", responses={200: {"model": Counter}})
async def reset(door: TheDoor, id: CommandId = None) -> Response:
    """Begin again at zero; the answer is the counter as it stands: `WasReset` has no fields."""
    outcome = await door.dispatch(Reset(), id=id)
    return as_it_stands(door, outcome, outcome.state.counter)
