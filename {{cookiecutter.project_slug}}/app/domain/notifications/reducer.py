"""The rules of notifications: what a command may do, and what an event changes.

A rule is a `require_…` called from a command's branch. Events are never refused.
"""

from typing import TypeAlias, assert_never

from app.core.effects import Append, Dispatch, Effects, Run
from app.core.environment import Environment
from app.core.rejected import Code, Rejected
from app.domain.notifications.actions import (
    CreateNotification,
    MarkNotificationRead,
    NotificationAction,
    NotificationCreated,
    NotificationEvent,
    NotificationRead,
    NotificationSystemCommand,
    Priority,
)
from app.domain.notifications.state import Notification, Notifications
from app.domain.notifications.tasks import SendMail
from app.domain.orders.actions import OrderShipped

NotificationEffects: TypeAlias = Effects[NotificationEvent, NotificationSystemCommand]


def reduce(
    state: Notifications, action: NotificationAction, env: Environment
) -> tuple[Notifications, NotificationEffects]:
    """Decide a command, or apply an event."""
    match action:
        case CreateNotification():
            return state, [Append(created(action, env))]

        case MarkNotificationRead():
            notification = require_unread(state, action.notification_id)
            read = NotificationRead(notification.notification_id, notification.user_id)
            return state, [Append(read)]

        case NotificationCreated():
            return state.added(notification_of(action)), [letter(action)]

        case NotificationRead():
            return state.marked_read(action.notification_id), []

        case OrderShipped():
            return state, [Dispatch(news_of(action))]

        case _:
            assert_never(action)


def created(command: CreateNotification, env: Environment) -> NotificationCreated:
    """The notification as it is made."""
    return NotificationCreated(
        f"ntf-{env.new_id()}", command.user_id, command.message, command.priority, env.now()
    )


def require_unread(state: Notifications, notification_id: str) -> Notification:
    """The notification, which must exist and not have been read."""
    notification = state.get(notification_id)
    if notification is None:
        raise Rejected(Code.NOT_FOUND, f"notification {notification_id} does not exist")
    if notification.read:
        raise Rejected(Code.CONFLICT, f"notification {notification_id} is read already")
    return notification


def news_of(event: OrderShipped) -> CreateNotification:
    """What a customer is told of an order that leaves."""
    message = f"order {event.order_id} is on its way: {event.tracking_number}"
    return CreateNotification(event.customer_id, message, Priority.NORMAL)


def letter(event: NotificationCreated) -> Run[NotificationSystemCommand]:
    """The same news by mail; its key has a slash, as no id has, so that no order's is the same."""
    task = SendMail(event.notification_id, event.user_id, event.message)
    return Run(task, key=f"mail/{event.notification_id}")


def notification_of(event: NotificationCreated) -> Notification:
    """The notification that a `NotificationCreated` speaks of."""
    return Notification(
        notification_id=event.notification_id,
        user_id=event.user_id,
        message=event.message,
        priority=event.priority,
        created_at=event.created_at,
    )
