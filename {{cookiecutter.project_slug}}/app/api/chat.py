"""The chat over HTTP."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Request, Response

from app.access.command_id import CommandId
from app.access.door import TheDoor
from app.access.gate import require_may_hear
from app.access.principal import Sender
from app.access.store import TheStore
from app.api.answers import json_answer, or_unchanged, unless_known
from app.api.pages import AfterNumber, Limit, Page, page_of
from app.domain.chat.actions import MessageSent, SendMessage, Text
from app.domain.chat.state import Message
from app.domain.ids import Id
from app.wire.tagged import Untagged

router = APIRouter(prefix="/chat", tags=["chat"])


@dataclass(frozen=True, slots=True)
class NewMessage:
    """What is said; without a `message_id` the service makes one."""

    text: Text
    message_id: Id | None = None


@router.get("/{room}/messages", responses=or_unchanged(Page[Message]))
async def list_messages(
    request: Request,
    room: Id,
    store: TheStore,
    sender: Sender,
    limit: Limit = 100,
    after: AfterNumber = 0,
) -> Response:
    """A page of a room's last 200 messages, first sent first; `next` is the next page's `after`."""
    require_may_hear(sender, f"chat:{room}")

    def page() -> Page[Message]:
        messages = store.state.chat.get(room).after(after)
        return page_of(messages, limit, lambda message: message.number)

    return unless_known(request, store, sender, page)


@router.post("/{room}/messages", status_code=201, responses={201: {"model": MessageSent}})
async def send_message(
    room: Id,
    message: Annotated[NewMessage, Untagged()],
    door: TheDoor,
    id: CommandId = None,
) -> Response:
    """Say something in a room; the answer is the message as it was sent."""
    command = SendMessage(room, message.text, message.message_id)
    outcome = await door.dispatch(command, id=id)
    (sent,) = [e.event for e in outcome.events if isinstance(e.event, MessageSent)]
    return json_answer(sent, status=201)  # without a tag: it would be the list's, at this address
