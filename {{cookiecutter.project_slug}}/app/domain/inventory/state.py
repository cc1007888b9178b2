"""What is in stock and what is laid aside, as one immutable value."""

from __future__ import annotations

from dataclasses import dataclass
from heapq import nsmallest

from rpds import HashTrieMap

from app.core.principal import Principal
from app.domain.inventory.actions import Units

SHOWN = 5_000


@dataclass(frozen=True, slots=True)
class Product:
    """A product that somebody has stocked, and how many units of it can be sold now."""

    product_id: str
    available: int


@dataclass(frozen=True, slots=True)
class Claim:
    """What an order wants, or what is laid aside for it: each product once."""

    customer_id: str
    units: tuple[Units, ...]


@dataclass(frozen=True, slots=True)
class Inventory:
    """Units available by product, and claims by order.

    A product that nobody stocked is not tracked. An order is in `wanted` until its stock is
    reserved or refused, and in `reserved` while tracked units are laid aside for it.
    """

    available: HashTrieMap[str, int] = HashTrieMap()
    wanted: HashTrieMap[str, Claim] = HashTrieMap()
    reserved: HashTrieMap[str, Claim] = HashTrieMap()

    def get(self, product_id: str) -> Product | None:
        """The product, or None while nobody has stocked it."""
        units = self.available.get(product_id)
        return None if units is None else Product(product_id, units)

    def after(self, name: str, most: int) -> list[Product]:
        """So many products whose names come after this one, by name; not all are put in order."""
        names = nsmallest(most, (each for each in self.available if each > name))
        return [Product(each, self.available[each]) for each in names]


def view(inventory: Inventory, principal: Principal) -> list[Product]:
    """What a client starts from: products by name, the first 5,000."""
    return inventory.after("", SHOWN)
