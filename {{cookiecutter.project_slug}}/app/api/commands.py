"""Any command over HTTP, in the words of the socket."""

from dataclasses import dataclass
from typing import Annotated

import orjson
from fastapi import APIRouter, Response

from app.access.command_id import CommandId
from app.access.door import TheDoor
from app.api.answers import json_answer
from app.domain import ClientCommand
from app.wire.protocol import EventMessage
from app.wire.tagged import ExternallyTagged

router = APIRouter(prefix="/commands", tags=["commands"])


@dataclass(frozen=True, slots=True)
class Decided:
    """What a command led to, for its description: its events, and where the log then stood."""

    seq: int
    events: list[EventMessage]
    duplicate: bool = False


@router.post("", responses={200: {"model": Decided}})
async def send_command(
    command: Annotated[ClientCommand, ExternallyTagged()],
    door: TheDoor,
    id: CommandId = None,
) -> Response:
    """Decide the command; the answer is its events and the log's position after them.

    A `duplicate` had been done before: the events are those of then.
    """
    outcome = await door.dispatch(command, id=id)
    events = [
        {"type": "event", "action": orjson.Fragment(event.json), "seq": event.seq}
        for event in outcome.events
    ]
    answer = {"seq": outcome.seq, "events": events}
    return json_answer(answer | {"duplicate": True} if outcome.duplicate else answer)
