"""The rules of the inventory: what a command may do, and what an event changes."""

from dataclasses import replace
from typing import Never, assert_never

from app.core.effects import Append, Effects
from app.core.environment import Environment
from app.core.rejected import Code, Rejected
from app.domain.inventory.actions import (
    AddStock,
    InventoryAction,
    InventoryEvent,
    InventoryUpdated,
)
from app.domain.inventory.state import Inventory

SHELF = 1_000_000_000


def reduce(
    state: Inventory, action: InventoryAction, env: Environment
) -> tuple[Inventory, Effects[InventoryEvent, Never]]:
    """Decide a command, or apply an event."""
    match action:
        case AddStock():
            available = state.available.get(action.product_id, 0) + action.quantity
            require_room(action.product_id, available)
            return state, [Append(InventoryUpdated(action.product_id, available))]

        case InventoryUpdated():
            available_now = state.available.insert(action.product_id, action.available)
            return replace(state, available=available_now), []

        case _:
            assert_never(action)


def require_room(product_id: str, available: int) -> None:
    """No shelf holds more than a thousand million units."""
    if available > SHELF:
        raise Rejected(Code.CONFLICT, f"there is no room for {available} units of {product_id}")
