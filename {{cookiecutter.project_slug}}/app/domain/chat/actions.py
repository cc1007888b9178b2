"""What can be said in a chat, and what was said.

Class names are wire names and log names: rename with care (`wire/upcasters.py`).
A new field of an event needs a default, so that the log of yesterday still loads.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, TypeAlias

from annotated_types import Len

from app.domain.ids import Id

Text: TypeAlias = Annotated[str, Len(1, 2000)]

# Commands: what clients ask for.


@dataclass(frozen=True, slots=True)
class SendMessage:
    """Say something in a room; without a `message_id` the service makes one."""

    room: Id
    text: Text
    message_id: Id | None = None


# Events: what happened.


@dataclass(frozen=True, slots=True)
class MessageSent:
    """Somebody has said something in a room; the first message opens it."""

    room: str
    message_id: str
    user_id: str
    text: str
    sent_at: datetime


ChatCommand: TypeAlias = SendMessage
ChatEvent: TypeAlias = MessageSent
ChatAction: TypeAlias = ChatCommand | ChatEvent


def topic(event: ChatEvent) -> str:
    """Who may hear this: whoever may be in the room."""
    return f"chat:{event.room}"
