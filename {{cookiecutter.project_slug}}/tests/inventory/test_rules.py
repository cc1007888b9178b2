"""The rules of the inventory, and how an order comes by its stock."""

from collections.abc import Sequence

import pytest

from app.core.effects import Cancel, Dispatch
from app.core.principal import SYSTEM, Principal, Role
from app.core.rejected import Code
from app.domain import Effect, Event, State
from app.domain.inventory.actions import (
    AddStock,
    InventoryUpdated,
    ReleaseStock,
    ReserveStock,
    StockRefused,
    StockReleased,
    StockReserved,
    Units,
    topic,
)
from app.domain.inventory.reducer import SHELF
from app.domain.inventory.state import Claim, Product
from app.domain.orders.actions import (
    CancelOrder,
    ConfirmOrder,
    Item,
    OrderCancelled,
    OrderPlaced,
    OrderProcessing,
    OrderShipped,
    Status,
)
from app.domain.policy import may_send
from tests.scenario import NOW, given

FIVE = InventoryUpdated("prod-1", 5)
WIDGETS = (Item("prod-1", "Widget", 2, 1999), Item("prod-9", "Untracked", 3, 1))
PLACED = OrderPlaced("ord-7", "cust-1", Status.PENDING, 4001, WIDGETS, NOW)
RESERVED = StockReserved("ord-7", "cust-1", (Units("prod-1", 2),))
THREE = InventoryUpdated("prod-1", 3)
REFUSED = StockRefused("ord-7", "cust-1", "prod-1")
PROCESSING = OrderProcessing("ord-7", "cust-1")
SHIPPED = OrderShipped("ord-7", "track-1", "cust-1", NOW)
CANCELLED = OrderCancelled("ord-7", "too late", "cust-1", NOW)
RELEASED = StockReleased("ord-7", "cust-1")

CONFIRM = Dispatch(ConfirmOrder("ord-7"))


def test_stock_that_is_added_is_available() -> None:
    given().when(AddStock("prod-1", 5)).then(FIVE)


def test_stock_adds_up() -> None:
    given(FIVE).when(AddStock("prod-1", 2)).then(InventoryUpdated("prod-1", 7))


def test_products_are_counted_apart_and_listed_by_name() -> None:
    inventory = given(InventoryUpdated("b", 5), InventoryUpdated("a", 1)).state.inventory

    assert inventory.after("", 10) == [Product("a", 1), Product("b", 5)]
    assert inventory.get("c") is None


def test_a_shelf_can_be_filled() -> None:
    stock = AddStock("prod-1", 1)

    given(InventoryUpdated("prod-1", SHELF - 1)).when(stock).then(InventoryUpdated("prod-1", SHELF))


def test_a_full_shelf_takes_no_more() -> None:
    full = given(InventoryUpdated("prod-1", SHELF))

    full.when(AddStock("prod-1", 1)).then_rejected(Code.CONFLICT, "no room")


def test_what_an_order_gives_back_finds_room_on_a_full_shelf() -> None:
    cancelled = given(FIVE, PLACED, RESERVED, InventoryUpdated("prod-1", SHELF), CANCELLED)

    cancelled.when(ReleaseStock("ord-7")).then(RELEASED, InventoryUpdated("prod-1", SHELF + 2))


def test_what_an_order_wants_is_laid_aside_and_the_order_is_confirmed() -> None:
    placed = given(FIVE, PLACED)

    placed.when(ReserveStock("ord-7")).then(RESERVED, THREE, asks=[CONFIRM])


def test_an_order_may_take_the_last_unit_and_no_more() -> None:
    enough, short = InventoryUpdated("prod-1", 2), InventoryUpdated("prod-1", 1)
    none_left = InventoryUpdated("prod-1", 0)
    cancel = Dispatch(CancelOrder("ord-7", "out of stock"))

    given(enough, PLACED).when(ReserveStock("ord-7")).then(RESERVED, none_left, asks=[CONFIRM])
    given(short, PLACED).when(ReserveStock("ord-7")).then(REFUSED, asks=[cancel])


def test_one_product_on_two_lines_is_added_up() -> None:
    twice = (Item("prod-1", "Widget", 2, 1), Item("prod-1", "Widget", 3, 1))
    placed = OrderPlaced("ord-7", "cust-1", Status.PENDING, 5, twice, NOW)
    both = StockReserved("ord-7", "cust-1", (Units("prod-1", 5),))

    given(FIVE, placed).when(ReserveStock("ord-7")).then(
        both, InventoryUpdated("prod-1", 0), asks=[CONFIRM]
    )


def test_of_several_products_all_are_laid_aside_or_none() -> None:
    other = (*WIDGETS, Item("prod-2", "Gadget", 1, 1))
    placed = OrderPlaced("ord-7", "cust-1", Status.PENDING, 4002, other, NOW)
    lacking = given(FIVE, InventoryUpdated("prod-2", 0), placed)

    lacking.when(ReserveStock("ord-7")).then(
        StockRefused("ord-7", "cust-1", "prod-2"),
        asks=[Dispatch(CancelOrder("ord-7", "out of stock"))],
    )


def test_a_product_that_nobody_stocked_is_always_there_and_leaves_nothing_behind() -> None:
    nothing = StockReserved("ord-7", "cust-1", ())

    given(PLACED).when(ReserveStock("ord-7")).then(nothing, asks=[CONFIRM])
    assert given(PLACED, nothing, PROCESSING).state.inventory == State().inventory
    given(PLACED, nothing, PROCESSING, CANCELLED).when(ReleaseStock("ord-7")).then_rejected(
        Code.CONFLICT
    )


def test_stock_that_comes_before_it_is_reserved_counts() -> None:
    placed = given(InventoryUpdated("prod-1", 1), PLACED, InventoryUpdated("prod-1", 2))

    placed.when(ReserveStock("ord-7")).then(RESERVED, InventoryUpdated("prod-1", 0), asks=[CONFIRM])


def test_an_order_that_does_not_wait_for_stock_gets_none() -> None:
    for events in (
        [FIVE],
        [FIVE, PLACED, CANCELLED],
        [FIVE, PLACED, RESERVED, THREE],
        [FIVE, PLACED, REFUSED],
        [FIVE, PLACED, RESERVED, THREE, PROCESSING, SHIPPED],
    ):
        given(*events).when(ReserveStock("ord-7")).then_rejected(
            Code.CONFLICT, "order ord-7 does not wait for stock"
        )


def test_an_order_that_is_cancelled_before_it_has_stock_holds_none() -> None:
    given(FIVE, PLACED).when(CancelOrder("ord-7", "too late")).then(
        CANCELLED, asks=[Cancel("ord-7")]
    )
    assert given(FIVE, PLACED, CANCELLED).state.inventory == given(FIVE).state.inventory


def test_an_order_that_is_cancelled_before_it_is_confirmed_gives_its_stock_back() -> None:
    reserved = given(FIVE, PLACED, RESERVED, THREE)
    release = Dispatch(ReleaseStock("ord-7"))

    reserved.when(CancelOrder("ord-7", "too late")).then(CANCELLED, asks=[release, Cancel("ord-7")])
    cancelled = given(FIVE, PLACED, RESERVED, THREE, CANCELLED)
    cancelled.when(ConfirmOrder("ord-7")).then_rejected(Code.CONFLICT, "is cancelled")
    cancelled.when(ReleaseStock("ord-7")).then(RELEASED, FIVE)


@pytest.mark.parametrize("earlier", [[], [PROCESSING]], ids=["pending", "processing"])
def test_what_is_released_is_available_again_once(earlier: list[Event]) -> None:
    released = given(FIVE, PLACED, RESERVED, THREE, *earlier, CANCELLED, RELEASED, FIVE)

    assert released.state.inventory == given(FIVE).state.inventory
    released.when(ReleaseStock("ord-7")).then_rejected(
        Code.CONFLICT, "nothing is reserved for order ord-7"
    )


def test_stock_that_came_meanwhile_is_kept_when_other_stock_is_released() -> None:
    cancelled = given(FIVE, PLACED, RESERVED, THREE, CANCELLED, InventoryUpdated("prod-1", 10))

    cancelled.when(ReleaseStock("ord-7")).then(RELEASED, InventoryUpdated("prod-1", 12))


def test_an_order_that_leaves_takes_its_stock_along() -> None:
    shipped = given(FIVE, PLACED, RESERVED, THREE, PROCESSING, SHIPPED)

    assert shipped.state.inventory == given(THREE).state.inventory
    shipped.when(ReleaseStock("ord-7")).then_rejected(Code.CONFLICT)


def test_only_the_order_that_wants_it_is_laid_aside_for() -> None:
    other = OrderPlaced("ord-8", "cust-2", Status.PENDING, 4001, WIDGETS, NOW)
    inventory = given(FIVE, PLACED, other, RESERVED, THREE).state.inventory

    assert dict(inventory.reserved) == {"ord-7": Claim("cust-1", (Units("prod-1", 2),))}
    assert dict(inventory.wanted) == {
        "ord-8": Claim("cust-2", (Units("prod-1", 2), Units("prod-9", 3)))
    }


def test_the_same_events_leave_the_same_state_and_ask_for_the_same() -> None:
    events: list[Event] = [FIVE, PLACED, RESERVED, THREE, PROCESSING, CANCELLED, RELEASED, FIVE]

    assert given(*events).state == given(*events).state
    asked_before: Sequence[Effect] = [Dispatch(ReleaseStock("ord-7")), Cancel("ord-7")]
    for _ in range(2):
        given(*events[:5]).asks_for(CANCELLED, *asked_before)


def test_what_becomes_of_an_order_is_heard_by_its_customer_and_of_stock_by_all() -> None:
    assert [topic(event) for event in (RESERVED, REFUSED, RELEASED)] == ["orders:cust-1"] * 3
    assert topic(FIVE) == "inventory"


def test_stock_is_added_by_operators_and_reserved_by_the_service_alone() -> None:
    operator, customer = Principal("o", Role.OPERATOR), Principal("cust-1", Role.CUSTOMER)

    assert may_send(operator, AddStock("prod-1", 1), State())
    assert not may_send(customer, AddStock("prod-1", 1), State())
    for command in ReserveStock("ord-7"), ReleaseStock("ord-7"):
        assert may_send(SYSTEM, command, State())
        assert not may_send(operator, command, State())
