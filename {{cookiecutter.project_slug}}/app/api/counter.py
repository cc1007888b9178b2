"""The counter over HTTP."""

from typing import Annotated

from fastapi import APIRouter, Request, Response

from app.access.command_id import CommandId
from app.access.gate import require_may_hear
from app.access.principal import Sender
from app.access.store import TheStore
from app.api.answers import entity_tag, json_answer, unless_known
from app.domain.counter.actions import Increment, Reset
from app.wire.tagged import Untagged

router = APIRouter(prefix="/counter", tags=["counter"])


@router.get("")
async def get_counter(request: Request, store: TheStore, sender: Sender) -> Response:
    """Where the counter stands."""
    require_may_hear(sender, "counter")
    return unless_known(request, store, sender, store.state.counter)


@router.post("/increment")
async def increment(
    command: Annotated[Increment, Untagged()], store: TheStore, sender: Sender, id: CommandId = None
) -> Response:
    """Count further; the answer is the counter as it then stood."""
    outcome = await store.dispatch(command, by=sender, id=id)
    headers = entity_tag(outcome.seq, store, sender)
    return json_answer(outcome.state.counter, headers=headers)


@router.post("/reset")
async def reset(store: TheStore, sender: Sender, id: CommandId = None) -> Response:
    """Begin again at zero."""
    outcome = await store.dispatch(Reset(), by=sender, id=id)
    headers = entity_tag(outcome.seq, store, sender)
    return json_answer(outcome.state.counter, headers=headers)
