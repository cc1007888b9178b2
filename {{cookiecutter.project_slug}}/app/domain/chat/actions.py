"""What can be said in a chat, what was said, and who is there.

Class names are wire names and log names: rename with care (`wire/upcasters.py`).
A new field of an event needs a default, so that the log of yesterday still loads.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, TypeAlias

from annotated_types import Ge, Len

from app.domain.ids import Id

Text: TypeAlias = Annotated[str, Len(1, 2000)]
NAMED = 50
Names: TypeAlias = Annotated[tuple[str, ...], Len(0, NAMED)]
Count: TypeAlias = Annotated[int, Ge(0)]

# Commands: what clients ask for.


@dataclass(frozen=True, slots=True)
class SendMessage:
    """Say something in a room; without a `message_id` the service makes one."""

    room: Id
    text: Text
    message_id: Id | None = None


# Commands of the service's own: no client can send them.


@dataclass(frozen=True, slots=True)
class ReportPresence:
    """Tell who is in a room: the first 50 by name, and how many `more`."""

    room: Id
    user_ids: Names
    more: Count


# Events: what happened.


@dataclass(frozen=True, slots=True)
class MessageSent:
    """Somebody has said something in a room; the first message opens it."""

    room: str
    message_id: str
    user_id: str
    text: str
    sent_at: datetime


@dataclass(frozen=True, slots=True)
class PresenceChanged:
    """Who is in a room now: the first 50 by name, and how many `more`.

    An ephemeral fact, never stored: it is told anew to whoever begins to listen.
    """

    room: str
    user_ids: Names
    more: Count


ChatCommand: TypeAlias = SendMessage
ChatSystemCommand: TypeAlias = ReportPresence
ChatEvent: TypeAlias = MessageSent | PresenceChanged
ChatAction: TypeAlias = ChatCommand | ChatSystemCommand | ChatEvent


def topic(event: ChatEvent) -> str:
    """Who may hear this: whoever may be in the room."""
    match event:
        case MessageSent():
            return f"chat:{event.room}"
        case PresenceChanged():
            return f"presence:{event.room}"
