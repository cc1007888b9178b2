"""The chat in a simulation."""

from collections import Counter
from random import Random

from app.core.principal import Principal
from app.domain import Command, State
from app.domain.chat.actions import MessageSent, SendMessage
from tests.simulation.features import Story


def command(chance: Random, state: State, principal: Principal) -> Command:
    """Say something; an id of one's own may be taken."""
    room = chance.choice(("hall", "attic"))
    return SendMessage(room, "hello", chance.choice((None, None, "m1", "m2", "m3")))


def check(state: State) -> None:
    """Messages of a room are numbered without holes, by ids of their own; it has one opener."""
    for room in state.chat.rooms.values():
        first = room.sent - len(room.messages) + 1
        assert [each.number for each in room.messages] == list(range(first, room.sent + 1))
        assert len({each.message_id for each in room.messages}) == len(room.messages)
    opened = [(name, user) for user, names in state.chat.opened.items() for name in names]
    assert sorted(opened) == sorted((name, r.opened_by) for name, r in state.chat.rooms.items())
    assert set(state.chat.recent) <= set(state.chat.rooms)


def finish(story: Story) -> None:
    """Every message that was sent was counted."""
    sent = Counter(each.room for each in story.events.values() if isinstance(each, MessageSent))
    assert {room: story.state.chat.get(room).sent for room in sent} == sent
