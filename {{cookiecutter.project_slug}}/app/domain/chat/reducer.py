"""The rules of the chat: what a command may do, and what an event changes."""

from typing import Never, assert_never

from app.core.effects import Append, Effects, Publish
from app.core.environment import Environment
from app.core.rejected import Code, Rejected
from app.domain.chat.actions import (
    ChatAction,
    ChatEvent,
    MessageSent,
    PresenceChanged,
    ReportPresence,
    SendMessage,
)
from app.domain.chat.state import Chat, Message, Room


def reduce(
    state: Chat, action: ChatAction, env: Environment
) -> tuple[Chat, Effects[ChatEvent, Never]]:
    """Decide a command, or apply an event."""
    match action:
        case SendMessage():
            return state, [Append(sent(state.get(action.room), action, env))]

        case ReportPresence():
            return state, [Publish(PresenceChanged(action.room, action.user_ids, action.more))]

        case MessageSent():
            room = state.get(action.room)
            return state.changed(room.added(message_of(room, action))), []

        case PresenceChanged():
            return state, []

        case _:
            assert_never(action)


def sent(room: Room, command: SendMessage, env: Environment) -> MessageSent:
    """The message as it is sent, under an id that no other kept message of the room has."""
    message_id = command.message_id or f"msg-{env.new_id()}"
    if any(message.message_id == message_id for message in room.messages):
        raise Rejected(Code.CONFLICT, f"message {message_id} already exists in room {room.room}")
    return MessageSent(room.room, message_id, env.by.name, command.text, env.now())


def message_of(room: Room, event: MessageSent) -> Message:
    """The message that a `MessageSent` speaks of."""
    return Message(event.message_id, event.user_id, event.text, event.sent_at, room.sent + 1)
