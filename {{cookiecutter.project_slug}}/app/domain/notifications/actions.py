"""What can be asked of notifications, and what can happen to them.

Class names are wire names and log names: rename with care (`wire/upcasters.py`).
A new field of an event needs a default, so that the log of yesterday still loads.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Annotated, TypeAlias

from annotated_types import Len

from app.domain.ids import Id
from app.domain.orders.actions import OrderShipped

Message: TypeAlias = Annotated[str, Len(1, 500)]


class Priority(StrEnum):
    """How much a notification matters."""

    LOW = "low"
    NORMAL = "normal"
    HIGH = "high"


# Commands: what clients ask for.


@dataclass(frozen=True, slots=True)
class MarkNotificationRead:
    """Say that a notification has been read."""

    notification_id: Id


# Commands of the service's own: no client can send them.


@dataclass(frozen=True, slots=True)
class CreateNotification:
    """Tell a user something."""

    user_id: str
    message: Message
    priority: Priority


# Events: what happened.


@dataclass(frozen=True, slots=True)
class NotificationCreated:
    """There is something for the user to know."""

    notification_id: str
    user_id: str
    message: str
    priority: Priority
    created_at: datetime


@dataclass(frozen=True, slots=True)
class NotificationRead:
    """The user knows it."""

    notification_id: str
    user_id: str


NotificationCommand: TypeAlias = MarkNotificationRead
NotificationSystemCommand: TypeAlias = CreateNotification
NotificationEvent: TypeAlias = NotificationCreated | NotificationRead
NotificationAction: TypeAlias = (
    NotificationCommand | NotificationSystemCommand | NotificationEvent | OrderShipped
)


def topic(event: NotificationEvent) -> str:
    """Who may hear this: the user whom it is for, and nobody else."""
    return f"notifications:{event.user_id}"
