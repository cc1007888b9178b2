"""What can be asked of orders, and what can happen to them.

Class names are wire names and log names: rename with care (`wire/upcasters.py`).
A new field of an event needs a default, so that the log of yesterday still loads.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Annotated, TypeAlias

from annotated_types import Ge, Le, Len

from app.domain.ids import Id, UserName

TrackingNumber: TypeAlias = Annotated[str, Len(1, 64)]
Reason: TypeAlias = Annotated[str, Len(1, 500)]
Cents: TypeAlias = Annotated[int, Ge(0), Le(10_000_000)]


class Status(StrEnum):
    """An order goes from pending to processing to shipped, or from the first two to cancelled."""

    PENDING = "pending"
    PROCESSING = "processing"
    SHIPPED = "shipped"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class Item:
    """One line of an order; prices are in cents."""

    product_id: Id
    name: Annotated[str, Len(1, 200)]
    quantity: Annotated[int, Ge(1), Le(10_000)]
    unit_price_cents: Cents


# Commands: what clients ask for.


@dataclass(frozen=True, slots=True)
class PlaceOrder:
    """Order these items; without an `order_id` the service makes one."""

    customer_id: UserName
    items: Annotated[tuple[Item, ...], Len(1, 100)]
    order_id: Id | None = None


@dataclass(frozen=True, slots=True)
class ShipOrder:
    """Hand an order that is being processed to the carrier."""

    order_id: Id
    tracking_number: TrackingNumber


@dataclass(frozen=True, slots=True)
class CancelOrder:
    """Give up an order that has not been shipped."""

    order_id: Id
    reason: Reason


# Commands of the service's own: no client can send them.


@dataclass(frozen=True, slots=True)
class ConfirmOrder:
    """Move a placed order on to processing."""

    order_id: str


# Events: what happened.


@dataclass(frozen=True, slots=True)
class OrderPlaced:
    """A customer has placed an order."""

    order_id: str
    customer_id: str
    status: Status
    total_cents: int
    items: tuple[Item, ...]
    placed_at: datetime


@dataclass(frozen=True, slots=True)
class OrderProcessing:
    """The order is being made ready."""

    order_id: str
    customer_id: str


@dataclass(frozen=True, slots=True)
class OrderShipped:
    """The order is on its way."""

    order_id: str
    tracking_number: str
    customer_id: str
    shipped_at: datetime


@dataclass(frozen=True, slots=True)
class OrderCancelled:
    """The order will not be delivered."""

    order_id: str
    reason: str
    customer_id: str
    cancelled_at: datetime


OrderCommand: TypeAlias = PlaceOrder | ShipOrder | CancelOrder
OrderSystemCommand: TypeAlias = ConfirmOrder
OrderEvent: TypeAlias = OrderPlaced | OrderProcessing | OrderShipped | OrderCancelled
OrderAction: TypeAlias = OrderCommand | OrderSystemCommand | OrderEvent


def topic(event: OrderEvent) -> str:
    """Who may hear this: the customer whose order it is, and operators."""
    return f"orders:{event.customer_id}"
