"""All rooms and what was last said in them, as one immutable value."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from rpds import HashTrieMap

from app.core.principal import Principal

KEPT = 200
ROOMS_OF_A_USER = 1_000
SHOWN = 50
SHOWN_ROOMS = 50
SHOWN_CHARACTERS = 250_000


@dataclass(frozen=True, slots=True)
class Message:
    """One message. `number` counts the messages of its room from 1."""

    message_id: str
    user_id: str
    text: str
    sent_at: datetime
    number: int


@dataclass(frozen=True, slots=True)
class Room:
    """The last 200 messages of a room, the latest last; `sent` counts them all.

    `opened_by` has sent the first of them.
    """

    room: str
    messages: tuple[Message, ...] = ()
    sent: int = 0
    opened_by: str = ""

    def added(self, message: Message) -> Room:
        """The room after one more message."""
        messages = (*self.messages, message)[-KEPT:]
        return Room(self.room, messages, message.number, self.opened_by or message.user_id)

    def after(self, number: int) -> Iterator[Message]:
        """Messages that are kept, in the order in which they were sent, from after `number`."""
        return (message for message in self.messages if message.number > number)


@dataclass(frozen=True, slots=True)
class Chat:
    """Rooms by name; `recent` are those in which somebody spoke last, at most 50, latest first.

    `opened` are the rooms that each user has opened, silent longest first: 1,000 of them are kept.
    So nobody can open so many that others may open none, or that those of others are forgotten.
    """

    rooms: HashTrieMap[str, Room] = HashTrieMap()
    recent: tuple[str, ...] = ()
    opened: HashTrieMap[str, tuple[str, ...]] = HashTrieMap()

    def get(self, room: str) -> Room:
        """The room, which is empty while nobody has spoken in it."""
        return self.rooms.get(room) or Room(room)

    def changed(self, room: Room) -> Chat:
        """The chat after somebody spoke in a room; a new one takes the place of a silent one."""
        name, user_id = room.room, room.opened_by
        opened = (*(other for other in self.opened.get(user_id, ()) if other != name), name)
        rooms = self.rooms.insert(name, room)
        for forgotten in opened[:-ROOMS_OF_A_USER]:
            rooms = rooms.remove(forgotten)
        recent = (name, *(other for other in self.recent if other != name and other in rooms))
        kept = self.opened.insert(user_id, opened[-ROOMS_OF_A_USER:])
        return Chat(rooms, recent[:SHOWN_ROOMS], kept)


def view(chat: Chat, principal: Principal) -> list[Room]:
    """What a client starts from: the last 50 messages of each room.

    At most the 50 rooms in which somebody spoke last, the latest first, and no more than have
    250,000 characters together.
    """
    shown: list[Room] = []
    space = SHOWN_CHARACTERS
    for name in chat.recent:
        room = chat.rooms[name]
        room = replace(room, messages=room.messages[-SHOWN:])
        space -= sum(len(message.text) for message in room.messages)
        if space < 0:
            break
        shown.append(room)
    return shown
