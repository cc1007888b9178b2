"""Who may fill the shelf and who sees it; `tests/policy/table.py` says how to read this."""

from collections.abc import Mapping

from tests.orders.policy import CANCELLATION, order, processing
from tests.policy.people import World
from tests.policy.table import Tries, Try

COMMANDS = """
                  nobody           ada        bob        olga     system
    AddStock      unauthenticated  forbidden  forbidden  done     forbidden
    ReserveStock  invalid          invalid    invalid    invalid  done
    ReleaseStock  invalid          invalid    invalid    invalid  done
"""

TOPICS = """
               nobody  ada  bob  olga
    inventory  none    all  all  all
"""

EVENTS = """
                      topic
    InventoryUpdated  inventory
    StockReserved     orders:ada
    StockRefused      orders:ada
    StockReleased     orders:ada
"""

READS = """
                             nobody           ada    bob    olga
    /inventory               unauthenticated  shown  shown  shown
    /inventory/{product_id}  unauthenticated  shown  shown  shown
"""


def add(world: World) -> Try:
    product_id, body = world.new("product"), {"quantity": 3}
    action = {"AddStock": {"product_id": product_id, **body}}
    return Try(action, f"/inventory/{product_id}/stock", body)


TRIES: Tries = {
    "AddStock": add,
    "ReserveStock": lambda world: Try({"ReserveStock": {"order_id": "order-1"}}),
    "ReleaseStock": lambda world: Try({"ReleaseStock": {"order_id": "order-1"}}),
}


def story(world: World) -> Mapping[str, str]:
    """Of three bolts two are laid aside, none are left for the next order, and they come back."""
    world.do("olga", {"AddStock": {"product_id": "bolt", "quantity": 3}})
    reserved, refused = processing(world, "bolt"), world.new("order")
    world.do("ada", {"PlaceOrder": order(refused, "bolt")})
    world.until(f"/orders/{refused}", lambda read: read["status"] == "cancelled")
    world.do("ada", {"CancelOrder": {"order_id": reserved, **CANCELLATION}})
    world.until("/inventory/bolt", lambda read: read["available"] == 3)
    return {"product_id": "bolt"}
