"""Notifications over HTTP: everybody reads their own."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from app.access.command_id import CommandId
from app.access.door import TheDoor
from app.access.gate import require_may_hear
from app.access.principal import Sender
from app.access.store import TheStore
from app.api.answers import as_it_stands, or_unchanged, unless_known
from app.api.pages import AfterName, Limit, Page, page_of
from app.core.rejected import Code, Rejected
from app.domain.ids import Id
from app.domain.notifications.actions import MarkNotificationRead
from app.domain.notifications.state import Notification

router = APIRouter(prefix="/notifications", tags=["notifications"])


@router.get("", responses=or_unchanged(Page[Notification]))
async def list_notifications(
    request: Request,
    store: TheStore,
    sender: Sender,
    unread: Annotated[bool, Query()] = False,
    limit: Limit = 100,
    after: AfterName = "",
) -> Response:
    """A page of the sender's own, oldest first; `next` is the `after` of the next page.

    A page after one that is forgotten meanwhile begins with the oldest that is kept.
    """
    require_may_hear(sender, f"notifications:{sender.name}")

    def page() -> Page[Notification]:
        later = _after(after, list(store.state.notifications.of(sender.name)))
        wanted = (notification for notification in later if not (unread and notification.read))
        return page_of(wanted, limit, lambda notification: notification.notification_id)

    return unless_known(request, store, sender, page)


@router.post("/{notification_id}/read", responses={200: {"model": Notification}})
async def mark_read(notification_id: Id, door: TheDoor, id: CommandId = None) -> Response:
    """Say that one has been read; the answer is the notification as it stands.

    Sent again after newer ones have taken its place, it is answered that it is no longer there.
    """
    outcome = await door.dispatch(MarkNotificationRead(notification_id), id=id)
    notification = outcome.state.notifications.get(notification_id)
    if notification is None:
        raise Rejected(Code.NOT_FOUND, f"notification {notification_id} was read, and is forgotten")
    return as_it_stands(door, outcome, notification)


def _after(notification_id: str, own: list[Notification]) -> list[Notification]:
    ids = [notification.notification_id for notification in own]
    return own[ids.index(notification_id) + 1 :] if notification_id in ids else own
