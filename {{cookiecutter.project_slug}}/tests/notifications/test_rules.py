"""The rules of notifications."""

from typing import Any

import pytest

from app.core.effects import Cancel, Dispatch, Run
from app.core.ports import Attempt, Ports
from app.core.principal import SYSTEM, Principal, Role
from app.core.rejected import Code
from app.domain import Effect, State
from app.domain.notifications.actions import (
    CreateNotification,
    MarkNotificationRead,
    NotificationCreated,
    NotificationRead,
    Priority,
    topic,
)
from app.domain.notifications.state import KEPT, view
from app.domain.notifications.tasks import SendMail
from app.domain.orders.actions import OrderPlaced, OrderProcessing, OrderShipped, ShipOrder, Status
from app.domain.policy import hidden_from, may_hear, may_send
from tests.scenario import NOW, environment, given

NEWS = "order ord-7 is on its way: track-1"
FIRST = f"ntf-{environment().new_id()}"
CREATED = NotificationCreated("ntf-1", "cust-1", NEWS, Priority.NORMAL, NOW)
READ = NotificationRead("ntf-1", "cust-1")
OWNER, OTHER = Principal("cust-1", Role.CUSTOMER), Principal("cust-2", Role.CUSTOMER)
OPERATOR = Principal("olga", Role.OPERATOR)


def test_a_customer_is_told_that_the_order_is_on_its_way() -> None:
    placed = OrderPlaced("ord-7", "cust-1", Status.PENDING, 0, (), NOW)
    shipped = OrderShipped("ord-7", "track-1", "cust-1", NOW)
    tell = Dispatch(CreateNotification("cust-1", NEWS, Priority.NORMAL))

    processing = given(placed, OrderProcessing("ord-7", "cust-1"))

    processing.when(ShipOrder("ord-7", "track-1")).then(shipped, asks=[Cancel("ord-7"), tell])


def test_a_notification_is_made_and_mailed() -> None:
    created = NotificationCreated(FIRST, "cust-1", NEWS, Priority.HIGH, NOW)
    mail: Effect = Run(SendMail(FIRST, "cust-1", NEWS), key=f"mail/{FIRST}")

    given().when(CreateNotification("cust-1", NEWS, Priority.HIGH)).then(created, asks=[mail])


def test_a_notification_is_read_once() -> None:
    read = MarkNotificationRead("ntf-1")

    given(CREATED).when(read, by=OWNER).then(READ)
    given(CREATED, READ).when(read, by=OWNER).then_rejected(
        Code.CONFLICT, "notification ntf-1 is read already"
    )


def test_a_notification_that_nobody_made_does_not_exist() -> None:
    given().when(MarkNotificationRead("x")).then_rejected(
        Code.NOT_FOUND, "notification x does not exist"
    )


def test_of_each_user_the_newest_are_kept() -> None:
    many = [
        NotificationCreated(f"ntf-{n}", "cust-1", NEWS, Priority.LOW, NOW) for n in range(KEPT + 2)
    ]
    theirs = NotificationCreated("ntf-x", "cust-2", NEWS, Priority.LOW, NOW)

    notifications = given(theirs, *many).state.notifications

    kept = [notification.notification_id for notification in notifications.of("cust-1")]
    assert kept == [f"ntf-{n}" for n in range(2, KEPT + 2)]
    assert len(notifications.by_id) == KEPT + 1
    assert notifications.get("ntf-1") is None
    assert notifications.get("ntf-x")


def test_a_view_shows_the_newest_first_and_everybody_their_own_only() -> None:
    later = NotificationCreated("ntf-2", "cust-1", NEWS, Priority.LOW, NOW)
    notifications = given(CREATED, later, READ).state.notifications

    shown = [(each.notification_id, each.read) for each in view(notifications, OWNER)]
    assert shown == [("ntf-2", False), ("ntf-1", True)]
    assert view(notifications, OTHER) == view(notifications, OPERATOR) == []


def test_a_notification_is_for_its_user_alone() -> None:
    state = given(CREATED).state
    mark = MarkNotificationRead("ntf-1")

    for reader, hidden in (
        (OWNER, None),
        (OTHER, "notification ntf-1"),
        (OPERATOR, "notification ntf-1"),
    ):
        assert may_send(reader, mark, state)
        assert hidden_from(reader, mark, state) == hidden
        assert hidden_from(reader, mark, State()) is None, "that there is none, the rule says"
    assert topic(CREATED) == topic(READ) == "notifications:cust-1"
    assert may_hear(OWNER, "notifications:cust-1")
    assert may_hear(OPERATOR, "notifications:olga")
    for reader in OTHER, OPERATOR, Principal("cust-1", Role.ANONYMOUS):
        assert not may_hear(reader, "notifications:cust-1")
        assert not may_hear(reader, "notifications")


def test_only_the_service_makes_notifications() -> None:
    create = CreateNotification("cust-1", NEWS, Priority.LOW)

    assert may_send(SYSTEM, create, State())
    assert not may_send(OPERATOR, create, State())


class Letters:
    """A mail service that keeps what it is given."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, str, str]] = []

    async def send(self, to: str, subject: str, text: str, *, key: str) -> None:
        """Keep it."""
        self.sent.append((to, text, key))


@pytest.mark.anyio
async def test_a_letter_is_sent_under_the_id_of_its_notification() -> None:
    mail, work = Letters(), None
    ports: Any = Ports(mail=mail, work=work)  # type: ignore[arg-type] # no work is asked for

    await SendMail("ntf-1", "cust-1", NEWS)(ports, Attempt("7.0"))

    assert mail.sent == [("cust-1", NEWS, "ntf-1")]
