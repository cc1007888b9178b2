"""The counter over HTTP."""

from typing import Annotated

from fastapi import APIRouter, Request, Response

from app.access.command_id import CommandId
from app.access.door import TheDoor
from app.access.gate import require_may_hear
from app.access.principal import Sender
from app.access.store import TheStore
from app.api.answers import entity_tag, json_answer, unless_known
from app.domain.counter.actions import Increment, Reset
from app.domain.counter.state import Counter
from app.wire.tagged import Untagged

router = APIRouter(prefix="/counter", tags=["counter"])


@router.get("", responses={200: {"model": Counter}})
async def get_counter(request: Request, store: TheStore, sender: Sender) -> Response:
    """Where the counter stands."""
    require_may_hear(sender, "counter")
    return unless_known(request, store, sender, store.state.counter)


@router.post("/increment", responses={200: {"model": Counter}})
async def increment(
    command: Annotated[Increment, Untagged()], door: TheDoor, id: CommandId = None
) -> Response:
    """Count further; the answer is the counter as it then stood."""
    outcome = await door.dispatch(command, id=id)
    headers = entity_tag(outcome.seq, door.epoch, door.sender)
    return json_answer(outcome.state.counter, headers=headers)


@router.post("/reset", responses={200: {"model": Counter}})
async def reset(door: TheDoor, id: CommandId = None) -> Response:
    """Begin again at zero."""
    outcome = await door.dispatch(Reset(), id=id)
    headers = entity_tag(outcome.seq, door.epoch, door.sender)
    return json_answer(outcome.state.counter, headers=headers)
