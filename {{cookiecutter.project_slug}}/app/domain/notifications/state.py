"""What users have been told, as one immutable value."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from rpds import HashTrieMap

from app.core.principal import Principal
from app.domain.notifications.actions import Priority

KEPT = 100


@dataclass(frozen=True, slots=True)
class Notification:
    """One thing that one user has been told."""

    notification_id: str
    user_id: str
    message: str
    priority: Priority
    created_at: datetime
    read: bool = False


@dataclass(frozen=True, slots=True)
class Notifications:
    """Notifications by id, and their ids by user: the newest 100 of each, oldest first."""

    by_id: HashTrieMap[str, Notification] = HashTrieMap()
    ids: HashTrieMap[str, tuple[str, ...]] = HashTrieMap()

    def get(self, notification_id: str) -> Notification | None:
        """The notification, or None."""
        return self.by_id.get(notification_id)

    def of(self, user_id: str) -> Iterator[Notification]:
        """What the user has been told, oldest first."""
        return (self.by_id[notification_id] for notification_id in self.ids.get(user_id, ()))

    def added(self, notification: Notification) -> Notifications:
        """These notifications and a new one; the user's oldest makes room for it."""
        user_id, notification_id = notification.user_id, notification.notification_id
        ids = (*self.ids.get(user_id, ()), notification_id)
        by_id = self.by_id.insert(notification_id, notification)
        for forgotten in ids[:-KEPT]:
            by_id = by_id.remove(forgotten)
        return Notifications(by_id, self.ids.insert(user_id, ids[-KEPT:]))

    def marked_read(self, notification_id: str) -> Notifications:
        """These notifications, one of them read."""
        notification = replace(self.by_id[notification_id], read=True)
        return replace(self, by_id=self.by_id.insert(notification_id, notification))


def view(notifications: Notifications, principal: Principal) -> list[Notification]:
    """What a client starts from: the principal's own, newest first."""
    return list(notifications.of(principal.name))[::-1]
