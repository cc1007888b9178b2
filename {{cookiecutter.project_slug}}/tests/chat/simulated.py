"""The chat in a simulation."""

from random import Random

from app.core.principal import Principal
from app.domain import Command, State
from app.domain.chat.actions import MessageSent, SendMessage
from tests.simulation.features import Story

KEPT, ROOMS = 3, 1
LIMITS = {"app.domain.chat.state": {"KEPT": KEPT, "ROOMS_OF_A_USER": ROOMS}}


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
    """What was said last in each room is there, as it was said and by whom; all was counted.

    So are the rooms that were not forgotten, in the order in which somebody spoke there last.
    """
    said: dict[str, list[MessageSent]] = {}
    for _, event in story.of(MessageSent):
        said[event.room] = [*said.pop(event.room, ()), event]
        opener = said[event.room][0].user_id
        own = [room for room, messages in said.items() if messages[0].user_id == opener]
        for forgotten in own[:-ROOMS]:
            del said[forgotten]
    chat = story.state.chat
    assert list(chat.recent) == list(said)[::-1]
    assert chat.rooms.keys() == said.keys()
    for room, messages in said.items():
        assert chat.get(room).sent == len(messages)
        shown = [(m.message_id, m.user_id, m.text, m.sent_at) for m in chat.get(room).messages]
        last = messages[-KEPT:]
        assert shown == [(m.message_id, m.user_id, m.text, m.sent_at) for m in last]
    for decided in story.decided:
        if isinstance(decided.command, SendMessage):
            (sent,) = decided.events.values()
            assert isinstance(sent, MessageSent)
            assert (sent.room, sent.text) == (decided.command.room, decided.command.text)
            assert sent.user_id == decided.by.name
