"""Notifications in a simulation, and the mail."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any

from app.core.principal import Principal
from app.domain import Command, State
from app.domain.notifications.actions import MarkNotificationRead, NotificationCreated
from app.domain.orders.actions import OrderShipped
from tests.simulation.features import Story
from tests.simulation.outside import Outside


@dataclass
class SimulatedMail:
    """Counts the letters by their keys, which are the ids of notifications."""

    outside: Outside
    sent: Counter[str] = field(default_factory=Counter)

    async def send(self, to: str, subject: str, text: str, *, key: str) -> None:
        """Send a letter; it may have left although it seems to have failed."""
        await self.outside.trouble()
        self.sent[key] += 1
        await self.outside.trouble()


def ports(outside: Outside) -> Mapping[str, Any]:
    """The mail."""
    return {"mail": SimulatedMail(outside)}


def command(chance: Random, state: State, principal: Principal) -> Command:
    """Read a notification, most likely one's own."""
    own = [each.notification_id for each in state.notifications.of(principal.name)]
    return MarkNotificationRead(chance.choice(own) if own else "none")


def check(state: State) -> None:
    """Everything that is listed is there."""
    notifications = state.notifications
    listed = [name for ids in notifications.ids.values() for name in ids]
    assert sorted(listed) == sorted(notifications.by_id)


def finish(story: Story) -> None:
    """Every shipped order was told of once, and by mail at least once, but for what was given up.

    No letter is sent more often than the log says that it was tried.
    """
    created = {
        position: event.notification_id
        for position, event in story.events.items()
        if isinstance(event, NotificationCreated)
    }
    shipped = sum(isinstance(event, OrderShipped) for event in story.events.values())
    assert len(created) == shipped
    sent: Counter[str] = story.ports["mail"].sent
    for position, letter in created.items():
        origin = f"{position}.0"
        assert sent[letter] or origin in story.discarded, f"nobody was sent {letter}"
        assert sent[letter] <= story.started[origin], f"an attempt at {origin} was not counted"
    assert sent.keys() <= set(created.values())
