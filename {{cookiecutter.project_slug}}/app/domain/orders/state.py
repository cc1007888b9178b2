"""All orders, as one immutable value."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from rpds import HashTrieMap

from app.core.principal import Principal, Role
from app.domain.orders.actions import Item, Status
from app.domain.sequence import Sequence

SHOWN = 500


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
    """Orders by id, and their ids as placed, because a persistent map has no order of its own."""

    by_id: HashTrieMap[str, Order] = HashTrieMap()
    ids: Sequence[str] = Sequence()

    def get(self, order_id: str) -> Order | None:
        """The order, or None."""
        return self.by_id.get(order_id)

    def added(self, order: Order) -> Orders:
        """These orders and a new one."""
        return Orders(self.by_id.insert(order.order_id, order), self.ids.added(order.order_id))

    def changed(self, order_id: str, **fields: Any) -> Orders:
        """These orders with one of them changed."""
        order = replace(self.by_id[order_id], **fields)
        return Orders(self.by_id.insert(order_id, order), self.ids)

    def placed_after(self, number: int) -> Iterator[tuple[int, Order]]:
        """Orders as they were placed, each with its number, from the one after `number`.

        Numbers count from 1.
        """
        for later, order_id in enumerate(self.ids.after(number), number + 1):
            yield later, self.by_id[order_id]

    def newest_first(self) -> Iterator[Order]:
        """Orders from the one placed last to the first."""
        return (self.by_id[order_id] for order_id in self.ids.newest_first())


def view(orders: Orders, principal: Principal) -> list[Order]:
    """What a client starts from: the principal's orders, newest first, at most 500."""
    shown: list[Order] = []
    for order in orders.newest_first():
        if principal.role is Role.OPERATOR or order.customer_id == principal.name:
            shown.append(order)
        if len(shown) == SHOWN:
            break
    return shown
