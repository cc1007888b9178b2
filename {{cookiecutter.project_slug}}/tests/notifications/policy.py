"""Who is told what, and may have read it; `tests/policy/table.py` says how to read this."""

from collections.abc import Mapping
from typing import Any

from tests.orders.policy import SHIPMENT, processing
from tests.policy.people import World
from tests.policy.table import Tries, Try

COMMANDS = """
                          nobody           ada      bob        olga       system
    MarkNotificationRead  unauthenticated  done     not_found  not_found  forbidden
    CreateNotification    invalid          invalid  invalid    invalid    done
"""

TOPICS = """
                       nobody  ada  bob   olga
    notifications      none    own  own   own
    notifications:ada  none    all  none  none
"""

EVENTS = """
                         topic
    NotificationCreated  notifications:ada
    NotificationRead     notifications:ada
"""

READS = """
                    nobody           ada    bob    olga
    /notifications  unauthenticated  shown  empty  empty
"""

CREATION = {"user_id": "ada", "message": "hello", "priority": "low"}


def told(world: World) -> str:
    """A notification that Ada has not read."""
    order_id = processing(world)
    world.do("olga", {"ShipOrder": {"order_id": order_id, **SHIPMENT}})

    def own(read: Any) -> list[str]:
        words = f"order {order_id} is"
        return [each["notification_id"] for each in read["items"] if words in each["message"]]

    read = world.until("/notifications?limit=1000", lambda read: bool(own(read)), "ada")
    return own(read)[0]


def mark(world: World) -> Try:
    notification_id = told(world)
    action = {"MarkNotificationRead": {"notification_id": notification_id}}
    return Try(action, f"/notifications/{notification_id}/read")


TRIES: Tries = {
    "MarkNotificationRead": mark,
    "CreateNotification": lambda world: Try({"CreateNotification": CREATION}),
}
ONCE = {"MarkNotificationRead"}


def story(world: World) -> Mapping[str, str]:
    """Ada is told of an order, and reads it."""
    notification_id = told(world)
    world.do("ada", {"MarkNotificationRead": {"notification_id": notification_id}})
    return {"notification_id": notification_id}
