"""The rules of orders: what a command may do, and what an event changes.

A rule is a `require_…` called from a command's branch. Events are never refused.
"""

from functools import lru_cache
from sys import intern
from typing import TypeAlias, assert_never

from app.core.effects import Append, Cancel, Delay, Effects
from app.core.environment import Environment
from app.core.rejected import Code, Rejected
from app.domain.orders.actions import (
    CancelOrder,
    ConfirmOrder,
    Item,
    OrderAction,
    OrderCancelled,
    OrderEvent,
    OrderPlaced,
    OrderProcessing,
    OrderShipped,
    PlaceOrder,
    ShipOrder,
    Status,
)
from app.domain.orders.state import Order, Orders

OrderEffects: TypeAlias = Effects[OrderEvent, CancelOrder]


def reduce(state: Orders, action: OrderAction, env: Environment) -> tuple[Orders, OrderEffects]:
    """Decide a command, or apply an event."""
    match action:
        case PlaceOrder():
            return state, [Append(placed(state, action, env))]

        case ConfirmOrder():
            order = require_order(state, action.order_id, Status.PENDING)
            return state, [Append(OrderProcessing(order.order_id, order.customer_id))]

        case ShipOrder():
            order = require_order(state, action.order_id, Status.PROCESSING)
            return state, [Append(shipped(order, action, env))]

        case CancelOrder():
            order = require_order(state, action.order_id, Status.PENDING, Status.PROCESSING)
            return state, [Append(cancelled(order, action, env))]

        case OrderPlaced():
            return state.added(order_of(action)), [expiry(action, env)]

        case OrderProcessing():
            return state.changed(action.order_id, status=Status.PROCESSING), []

        case OrderShipped():
            return state.changed(
                action.order_id,
                status=Status.SHIPPED,
                tracking_number=action.tracking_number,
                shipped_at=action.shipped_at,
            ), [Cancel(action.order_id)]

        case OrderCancelled():
            return state.changed(
                action.order_id,
                status=Status.CANCELLED,
                reason=action.reason,
                cancelled_at=action.cancelled_at,
            ), [Cancel(action.order_id)]

        case _:
            assert_never(action)


def placed(state: Orders, command: PlaceOrder, env: Environment) -> OrderPlaced:
    """The order as it is placed, under an id that no other order has."""
    order_id = command.order_id or f"ord-{env.new_id()}"
    if state.get(order_id) is not None:
        raise Rejected(Code.CONFLICT, f"order {order_id} already exists")
    total_cents = sum(item.quantity * item.unit_price_cents for item in command.items)
    return OrderPlaced(
        order_id, command.customer_id, Status.PENDING, total_cents, command.items, env.now()
    )


def shipped(order: Order, command: ShipOrder, env: Environment) -> OrderShipped:
    """The order as it leaves."""
    return OrderShipped(order.order_id, command.tracking_number, order.customer_id, env.now())


def cancelled(order: Order, command: CancelOrder, env: Environment) -> OrderCancelled:
    """The order as it is given up."""
    return OrderCancelled(order.order_id, command.reason, order.customer_id, env.now())


def require_order(state: Orders, order_id: str, *allowed: Status) -> Order:
    """The order, which must exist and be in one of these states."""
    order = state.get(order_id)
    if order is None:
        raise Rejected(Code.NOT_FOUND, f"order {order_id} does not exist")
    if order.status not in allowed:
        wanted = " or ".join(allowed)
        raise Rejected(Code.CONFLICT, f"order {order_id} is {order.status}, not {wanted}")
    return order


def expiry(event: OrderPlaced, env: Environment) -> Delay[CancelOrder]:
    """The end of an order that nobody ships; its key is the order's id, and nobody else's."""
    command = CancelOrder(event.order_id, "nobody shipped it in time")
    return Delay(env.terms.order_expiry_seconds, command, key=event.order_id)


def order_of(event: OrderPlaced) -> Order:
    """The order that an `OrderPlaced` speaks of."""
    return Order(
        order_id=event.order_id,
        customer_id=intern(event.customer_id),  # of many orders, it takes up memory once
        status=event.status,
        total_cents=event.total_cents,
        items=shared(event.items),
        placed_at=event.placed_at,
    )


@lru_cache(10_000)
def shared(items: tuple[Item, ...]) -> tuple[Item, ...]:
    """The same items; what many orders have in common takes up memory once."""
    return tuple(map(shared_item, items))


@lru_cache(10_000)
def shared_item(item: Item) -> Item:
    """The same item, likewise."""
    return item
