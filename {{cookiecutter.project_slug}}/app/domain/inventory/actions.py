"""What can be asked of the inventory, and what can happen to it.

Class names are wire names and log names: rename with care (`wire/upcasters.py`).
A new field of an event needs a default, so that the log of yesterday still loads.
"""

from dataclasses import dataclass
from typing import Annotated, TypeAlias

from annotated_types import Ge, Le

from app.domain.ids import Id
from app.domain.orders.actions import OrderCancelled, OrderPlaced, OrderShipped

Quantity: TypeAlias = Annotated[int, Ge(1), Le(1_000_000)]


@dataclass(frozen=True, slots=True)
class Units:
    """So many units of one product."""

    product_id: str
    quantity: int


# Commands: what clients ask for.


@dataclass(frozen=True, slots=True)
class AddStock:
    """Put units of a product on the shelf."""

    product_id: Id
    quantity: Quantity


# Commands of the service's own: no client can send them.


@dataclass(frozen=True, slots=True)
class ReserveStock:
    """Lay aside what a placed order wants."""

    order_id: str


@dataclass(frozen=True, slots=True)
class ReleaseStock:
    """Put back what was laid aside for an order that was cancelled."""

    order_id: str


# Events: what happened.


@dataclass(frozen=True, slots=True)
class InventoryUpdated:
    """So many units of a product can be sold now."""

    product_id: str
    available: int


@dataclass(frozen=True, slots=True)
class StockReserved:
    """What the order wants is laid aside; of products that are not tracked, nothing is."""

    order_id: str
    customer_id: str
    units: tuple[Units, ...]


@dataclass(frozen=True, slots=True)
class StockRefused:
    """There is too little of a product for the order."""

    order_id: str
    customer_id: str
    product_id: str


@dataclass(frozen=True, slots=True)
class StockReleased:
    """What was laid aside for the order can be sold again."""

    order_id: str
    customer_id: str


InventoryCommand: TypeAlias = AddStock
InventorySystemCommand: TypeAlias = ReserveStock | ReleaseStock
InventoryEvent: TypeAlias = InventoryUpdated | StockReserved | StockRefused | StockReleased
InventoryAction: TypeAlias = (
    InventoryCommand
    | InventorySystemCommand
    | InventoryEvent
    | OrderPlaced
    | OrderShipped
    | OrderCancelled
)


def topic(event: InventoryEvent) -> str:
    """Who may hear this: of an order, whoever hears the order; of the stock, whoever may see it."""
    match event:
        case InventoryUpdated():
            return "inventory"
        case StockReserved() | StockRefused() | StockReleased():
            return f"orders:{event.customer_id}"
