"""All orders, as one immutable value."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import islice
from typing import Any

from rpds import HashTrieMap

from app.core.principal import Principal, Role
from app.domain.orders.actions import Item, Status
from app.domain.persistent_list import PersistentList

SHOWN = 500
SHOWN_ITEMS = 5_000

NO_IDS: PersistentList[str] = PersistentList()


@dataclass(frozen=True, slots=True)
class Order:
    """One order."""

    order_id: str
    customer_id: str
    status: Status
    total_cents: int
    items: tuple[Item, ...]
    placed_at: datetime
    tracking_number: str | None = None
    shipped_at: datetime | None = None
    reason: str | None = None
    cancelled_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Orders:
    """Orders by id; their ids as placed, all and each customer's: a map has no order of its own."""

    by_id: HashTrieMap[str, Order] = HashTrieMap()
    ids: PersistentList[str] = PersistentList()
    by_customer: HashTrieMap[str, PersistentList[str]] = HashTrieMap()

    def get(self, order_id: str) -> Order | None:
        """The order, or None."""
        return self.by_id.get(order_id)

    def of(self, customer_id: str) -> PersistentList[str]:
        """The ids of a customer's orders, as placed."""
        return self.by_customer.get(customer_id, NO_IDS)

    def added(self, order: Order) -> Orders:
        """These orders and a new one."""
        own = self.of(order.customer_id).added(order.order_id)
        return Orders(
            self.by_id.insert(order.order_id, order),
            self.ids.added(order.order_id),
            self.by_customer.insert(order.customer_id, own),
        )

    def changed(self, order_id: str, **fields: Any) -> Orders:
        """These orders with one of them changed."""
        order = replace(self.by_id[order_id], **fields)
        return Orders(self.by_id.insert(order_id, order), self.ids, self.by_customer)


def view(orders: Orders, principal: Principal) -> list[Order]:
    """What a client starts from: the principal's orders, newest first.

    At most 500, and no more than have 5,000 items together.
    """
    ids = orders.ids if principal.role is Role.OPERATOR else orders.of(principal.name)
    return few((orders.by_id[order_id] for order_id in ids.newest_first()), SHOWN)


def few(orders: Iterator[Order], most: int) -> list[Order]:
    """The first of these, as many as somebody reads at once: 5,000 items are some MB."""
    shown: list[Order] = []
    room = SHOWN_ITEMS
    for order in islice(orders, most):
        room -= len(order.items)
        if room < 0:
            break
        shown.append(order)
    return shown
