"""The rules of the inventory."""

from app.core.rejected import Code
from app.domain.inventory.actions import AddStock, InventoryUpdated
from app.domain.inventory.reducer import SHELF
from app.domain.inventory.state import Product
from tests.scenario import given


def test_stock_that_is_added_is_available() -> None:
    given().when(AddStock("prod-1", 5)).then(InventoryUpdated("prod-1", 5))


def test_stock_adds_up() -> None:
    stocked = given(InventoryUpdated("prod-1", 5))

    stocked.when(AddStock("prod-1", 2)).then(InventoryUpdated("prod-1", 7))


def test_products_are_counted_apart_and_listed_by_name() -> None:
    inventory = given(InventoryUpdated("b", 5), InventoryUpdated("a", 1)).state.inventory

    assert inventory.products() == [Product("a", 1), Product("b", 5)]
    assert inventory.get("c") is None


def test_a_full_shelf_takes_no_more() -> None:
    full = given(InventoryUpdated("prod-1", SHELF))

    full.when(AddStock("prod-1", 1)).then_rejected(Code.CONFLICT, "no room")
