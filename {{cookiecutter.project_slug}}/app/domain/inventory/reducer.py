"""The rules of the inventory: what a command may do, and what an event changes.

An order and its stock are brought together in steps, and each step is decided afresh, on the
State as it then is:

    OrderPlaced     → ReserveStock → StockReserved → ConfirmOrder
                                   → StockRefused  → CancelOrder
    OrderCancelled  → ReleaseStock → StockReleased

An order that is cancelled between two of them is refused its next step, and releases what it has.
"""

from collections.abc import Iterable
from typing import TypeAlias, assert_never

from app.core.effects import Append, Dispatch, Effects
from app.core.environment import Environment
from app.core.rejected import Code, Rejected
from app.domain.inventory.actions import (
    AddStock,
    InventoryAction,
    InventoryEvent,
    InventoryUpdated,
    ReleaseStock,
    ReserveStock,
    StockRefused,
    StockReleased,
    StockReserved,
    Units,
)
from app.domain.inventory.state import Claim, Inventory
from app.domain.orders.actions import (
    CancelOrder,
    ConfirmOrder,
    Item,
    OrderCancelled,
    OrderPlaced,
    OrderShipped,
)

SHELF = 1_000_000_000

NextStep: TypeAlias = ReserveStock | ReleaseStock | ConfirmOrder | CancelOrder
InventoryEffects: TypeAlias = Effects[InventoryEvent, NextStep]


def reduce(
    state: Inventory, action: InventoryAction, env: Environment
) -> tuple[Inventory, InventoryEffects]:
    """Decide a command, or apply an event."""
    match action:
        case AddStock():
            available = state.available.get(action.product_id, 0) + action.quantity
            require_room(action.product_id, available)
            return state, [Append(InventoryUpdated(action.product_id, available))]

        case ReserveStock():
            claim = require_wanted(state, action.order_id)
            return state, [Append(event) for event in reserved(state, action.order_id, claim)]

        case ReleaseStock():
            claim = require_reserved(state, action.order_id)
            return state, [Append(event) for event in released(state, action.order_id, claim)]

        case InventoryUpdated():
            available_now = state.available.insert(action.product_id, action.available)
            return Inventory(available_now, state.wanted, state.reserved), []

        case StockReserved():
            return laid_aside(state, action), [Dispatch(ConfirmOrder(action.order_id))]

        case StockRefused():
            wanted = state.wanted.discard(action.order_id)
            cancel = CancelOrder(action.order_id, "out of stock")
            return Inventory(state.available, wanted, state.reserved), [Dispatch(cancel)]

        case StockReleased() | OrderShipped():
            reserved_still = state.reserved.discard(action.order_id)
            return Inventory(state.available, state.wanted, reserved_still), []

        case OrderPlaced():
            claim = Claim(action.customer_id, added_up(action.items))
            wanted = state.wanted.insert(action.order_id, claim)
            reserve = Dispatch(ReserveStock(action.order_id))
            return Inventory(state.available, wanted, state.reserved), [reserve]

        case OrderCancelled():
            holds = action.order_id in state.reserved
            wanted = state.wanted.discard(action.order_id)
            release = [Dispatch(ReleaseStock(action.order_id))] if holds else []
            return Inventory(state.available, wanted, state.reserved), release

        case _:
            assert_never(action)


def reserved(state: Inventory, order_id: str, claim: Claim) -> list[InventoryEvent]:
    """All that the order wants is laid aside, or nothing is."""
    tracked = tuple(units for units in claim.units if units.product_id in state.available)
    for units in tracked:
        if units.quantity > state.available[units.product_id]:
            return [StockRefused(order_id, claim.customer_id, units.product_id)]
    return [
        StockReserved(order_id, claim.customer_id, tracked),
        *(updated(state, units, -units.quantity) for units in tracked),
    ]


def released(state: Inventory, order_id: str, claim: Claim) -> list[InventoryEvent]:
    """All that was laid aside for the order is put back."""
    return [
        StockReleased(order_id, claim.customer_id),
        *(updated(state, units, units.quantity) for units in claim.units),
    ]


def updated(state: Inventory, units: Units, more: int) -> InventoryUpdated:
    """What can be sold of the product when there are so many more units, or fewer."""
    return InventoryUpdated(units.product_id, state.available[units.product_id] + more)


def laid_aside(state: Inventory, event: StockReserved) -> Inventory:
    """The order has what it wanted; one that holds no units is forgotten."""
    held = state.reserved
    if event.units:
        held = held.insert(event.order_id, Claim(event.customer_id, event.units))
    return Inventory(state.available, state.wanted.discard(event.order_id), held)


def added_up(items: Iterable[Item]) -> tuple[Units, ...]:
    """What the items of an order come to, each product once."""
    quantities: dict[str, int] = {}
    for item in items:
        quantities[item.product_id] = quantities.get(item.product_id, 0) + item.quantity
    return tuple(Units(product_id, quantity) for product_id, quantity in quantities.items())


def require_room(product_id: str, available: int) -> None:
    """Nobody adds to a thousand million units; what orders give back always finds room."""
    if available > SHELF:
        raise Rejected(Code.CONFLICT, f"there is no room for {available} units of {product_id}")


def require_wanted(state: Inventory, order_id: str) -> Claim:
    """The order must still wait for its stock."""
    claim = state.wanted.get(order_id)
    if claim is None:
        raise Rejected(Code.CONFLICT, f"order {order_id} does not wait for stock")
    return claim


def require_reserved(state: Inventory, order_id: str) -> Claim:
    """Units must be laid aside for the order."""
    claim = state.reserved.get(order_id)
    if claim is None:
        raise Rejected(Code.CONFLICT, f"nothing is reserved for order {order_id}")
    return claim
