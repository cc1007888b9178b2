"""Notifications in a simulation, and the mail."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any, TypeAlias

from app.core.principal import Principal
from app.domain import Command, State
from app.domain.notifications.actions import (
    MarkNotificationRead,
    NotificationCreated,
    NotificationRead,
)
from app.domain.orders.actions import OrderShipped
from tests.simulation.features import Story
from tests.simulation.outside import Outside

KEPT = 2
LIMITS = {"app.domain.notifications.state": {"KEPT": KEPT}}

# Its key, to whom it went, and what it says.
Letter: TypeAlias = tuple[str, str, str]


@dataclass
class SimulatedMail:
    """Counts the letters."""

    outside: Outside
    sent: Counter[Letter] = field(default_factory=Counter)

    async def send(self, to: str, subject: str, text: str, *, key: str) -> None:
        """Send a letter; it may have left although it seems to have failed."""
        await self.outside.trouble()
        self.sent[key, to, text] += 1
        await self.outside.trouble()


def ports(outside: Outside) -> Mapping[str, Any]:
    """The mail."""
    return {"mail": SimulatedMail(outside)}


def command(chance: Random, state: State, principal: Principal) -> Command:
    """Read a notification, most likely one's own."""
    own = [each.notification_id for each in state.notifications.of(principal.name)]
    anybodys = sorted(state.notifications.by_id)
    some = own if own and chance.random() < 0.8 else anybodys
    return MarkNotificationRead(chance.choice(some) if some else "none")


def check(state: State) -> None:
    """Everything that is listed is there."""
    notifications = state.notifications
    listed = [name for ids in notifications.ids.values() for name in ids]
    assert sorted(listed) == sorted(notifications.by_id)


def finish(story: Story) -> None:
    """Every customer was told of each of their orders that was shipped, and is shown the newest.

    What they have read is marked so, and nothing else is.
    """
    created = [event for _, event in story.of(NotificationCreated)]
    told = sorted((event.user_id, event.message.split()[1]) for event in created)
    orders = story.state.orders
    shipped = [orders.by_id[event.order_id] for _, event in story.of(OrderShipped)]
    assert told == sorted((order.customer_id, order.order_id) for order in shipped)

    ids: dict[str, list[str]] = {}
    for event in created:
        ids.setdefault(event.user_id, []).append(event.notification_id)
    notifications = story.state.notifications
    newest = {user_id: tuple(all_of_them[-KEPT:]) for user_id, all_of_them in ids.items()}
    assert dict(notifications.ids) == newest
    read = {event.notification_id for _, event in story.of(NotificationRead)}
    for each in notifications.by_id.values():
        assert each.read is (each.notification_id in read)
    for decided in story.decided:
        if isinstance(decided.command, MarkNotificationRead):
            own = ids.get(decided.by.name, [])
            assert decided.command.notification_id in own, "another's notification is read"
    check_letters(story)


def check_letters(story: Story) -> None:
    """Each went to whom it is for at least once, but for what was given up, and to nobody else.

    None was sent more often than the log says that it was tried.
    """
    sent: Counter[Letter] = story.ports["mail"].sent
    meant = set()
    for position, event in story.of(NotificationCreated):
        letter, origin = (event.notification_id, event.user_id, event.message), f"{position}.0"
        meant.add(letter)
        assert sent[letter] or origin in story.discarded, f"nobody was sent {letter}"
        assert sent[letter] <= story.started[origin], f"an attempt at {origin} was not counted"
    assert (+sent).keys() <= meant
