"""Who may do what with an order of Ada's; `tests/policy/table.py` says how to read this."""

from collections.abc import Mapping
from typing import Any

from tests.policy.people import World
from tests.policy.table import Tries, Try

COMMANDS = """
                  nobody           ada        bob        olga     system
    PlaceOrder    unauthenticated  done       forbidden  done     forbidden
    ShipOrder     unauthenticated  forbidden  forbidden  done     forbidden
    CancelOrder   unauthenticated  done       not_found  done     done
    ConfirmOrder  invalid          invalid    invalid    invalid  done
"""

TOPICS = """
                nobody  ada  bob   olga
    orders      none    own  own   all
    orders:ada  none    all  none  all
"""

EVENTS = """
                     topic
    OrderPlaced      orders:ada
    OrderProcessing  orders:ada
    OrderShipped     orders:ada
    OrderCancelled   orders:ada
"""

READS = """
                        nobody           ada    bob        olga
    /orders             unauthenticated  shown  empty      shown
    /orders/{order_id}  unauthenticated  shown  not_found  shown
"""

SHIPMENT = {"tracking_number": "track-1"}
CANCELLATION = {"reason": "on second thoughts"}


def order(order_id: str, product_id: str = "untracked") -> dict[str, Any]:
    """An order of Ada's."""
    item = {"product_id": product_id, "name": "Thing", "quantity": 2, "unit_price_cents": 100}
    return {"customer_id": "ada", "items": [item], "order_id": order_id}


def processing(world: World, product_id: str = "untracked") -> str:
    """An order of Ada's that can be shipped, or cancelled."""
    order_id = world.new("order")
    world.do("ada", {"PlaceOrder": order(order_id, product_id)})
    world.until(f"/orders/{order_id}", lambda read: read["status"] == "processing")
    return order_id


def place(world: World) -> Try:
    body = order(world.new("order"))
    return Try({"PlaceOrder": body}, "/orders", body)


def ship(world: World) -> Try:
    order_id = processing(world)
    action = {"ShipOrder": {"order_id": order_id, **SHIPMENT}}
    return Try(action, f"/orders/{order_id}/ship", SHIPMENT)


def cancel(world: World) -> Try:
    order_id = processing(world)
    action = {"CancelOrder": {"order_id": order_id, **CANCELLATION}}
    return Try(action, f"/orders/{order_id}/cancel", CANCELLATION)


TRIES: Tries = {
    "PlaceOrder": place,
    "ShipOrder": ship,
    "CancelOrder": cancel,
    "ConfirmOrder": lambda world: Try({"ConfirmOrder": {"order_id": "order-1"}}),
}
ONCE = {"PlaceOrder", "ShipOrder", "CancelOrder"}


def story(world: World) -> Mapping[str, str]:
    """One order is shipped, and one is cancelled."""
    shipped, cancelled = processing(world), processing(world)
    world.do("olga", {"ShipOrder": {"order_id": shipped, **SHIPMENT}})
    world.do("ada", {"CancelOrder": {"order_id": cancelled, **CANCELLATION}})
    return {"order_id": shipped}
