"""What can be asked of the inventory, and what can happen to it.

Class names are wire names and log names: rename with care (`wire/upcasters.py`).
"""

from dataclasses import dataclass
from typing import Annotated, TypeAlias

from annotated_types import Ge, Le

from app.domain.ids import Id

Quantity: TypeAlias = Annotated[int, Ge(1), Le(1_000_000)]

# Commands: what clients ask for.


@dataclass(frozen=True, slots=True)
class AddStock:
    """Put units of a product on the shelf."""

    product_id: Id
    quantity: Quantity


# Events: what happened.


@dataclass(frozen=True, slots=True)
class InventoryUpdated:
    """So many units of a product can be sold now."""

    product_id: Id
    available: int


InventoryCommand: TypeAlias = AddStock
InventoryEvent: TypeAlias = InventoryUpdated
InventoryAction: TypeAlias = InventoryCommand | InventoryEvent


def topic(event: InventoryEvent) -> str:
    """Who may hear this: whoever may see what is in stock."""
    return "inventory"
