"""All orders, as one immutable value."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from rpds import HashTrieMap

from app.core.principal import Principal, Role
from app.domain.orders.actions import Item, Status

SHOWN = 500


@dataclass(frozen=True, slots=True)
class Order:
    """One order. `number` counts orders from 1, in the order in which they were placed."""

    order_id: str
    customer_id: str
    status: Status
    total_cents: int
    items: tuple[Item, ...]
    placed_at: datetime
    number: int
    tracking_number: str | None = None
    shipped_at: datetime | None = None
    reason: str | None = None
    cancelled_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Orders:
    """Orders by id, and their ids by number, because a persistent map has no order of its own."""

    by_id: HashTrieMap[str, Order] = HashTrieMap()
    ids: HashTrieMap[int, str] = HashTrieMap()

    def get(self, order_id: str) -> Order | None:
        """The order, or None."""
        return self.by_id.get(order_id)

    def added(self, order: Order) -> Orders:
        """These orders and a new one."""
        return Orders(
            self.by_id.insert(order.order_id, order),
            self.ids.insert(order.number, order.order_id),
        )

    def changed(self, order_id: str, **fields: Any) -> Orders:
        """These orders with one of them changed."""
        order = replace(self.by_id[order_id], **fields)
        return replace(self, by_id=self.by_id.insert(order_id, order))

    def placed_after(self, number: int) -> Iterator[Order]:
        """Orders in the order in which they were placed, from the one after `number`."""
        for later in range(number + 1, len(self.ids) + 1):
            yield self.by_id[self.ids[later]]

    def newest_first(self) -> Iterator[Order]:
        """Orders from the one placed last to the first."""
        for number in range(len(self.ids), 0, -1):
            yield self.by_id[self.ids[number]]


def view(orders: Orders, principal: Principal) -> list[Order]:
    """What a client starts from: the principal's orders, newest first, at most 500."""
    shown: list[Order] = []
    for order in orders.newest_first():
        if principal.role is Role.OPERATOR or order.customer_id == principal.name:
            shown.append(order)
        if len(shown) == SHOWN:
            break
    return shown
