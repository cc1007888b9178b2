"""Any command over HTTP, in the words of the socket."""

from typing import Annotated

import orjson
from fastapi import APIRouter, Response

from app.access.principal import Sender
from app.access.store import TheStore
from app.api.answers import json_answer
from app.domain import ClientCommand
from app.wire.tagged import ExternallyTagged

router = APIRouter(prefix="/commands", tags=["commands"])


@router.post("")
async def send_command(
    command: Annotated[ClientCommand, ExternallyTagged()], store: TheStore, sender: Sender
) -> Response:
    """Decide the command; the answer is its events and the log's position after them."""
    outcome = await store.dispatch(command, by=sender)
    events = [
        {"type": "event", "action": orjson.Fragment(event.json), "seq": event.seq}
        for event in outcome.events
    ]
    return json_answer({"seq": outcome.seq, "events": events})
