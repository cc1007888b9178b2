"""The rules of orders."""

from app.core.effects import Append, Cancel, Delay, Dispatch
from app.core.environment import Environment
from app.core.principal import SYSTEM, Principal, Role
from app.core.rejected import Code
from app.core.terms import Terms
from app.domain import Effect, State, reduce
from app.domain.inventory.actions import ReserveStock
from app.domain.orders.actions import (
    CancelOrder,
    ConfirmOrder,
    Item,
    OrderCancelled,
    OrderPlaced,
    OrderProcessing,
    OrderShipped,
    PlaceOrder,
    ShipOrder,
    Status,
)
from app.domain.orders.reducer import reduce as reduce_orders
from app.domain.orders.state import SHOWN_ITEMS, Orders, few, view
from app.domain.policy import hidden_from, may_hear, may_send
from tests.scenario import NOW, environment, given

WIDGETS = (Item("prod-1", "Widget", 2, 1999),)
PLACED = OrderPlaced("ord-7", "cust-1", Status.PENDING, 3998, WIDGETS, NOW)
PROCESSING = OrderProcessing("ord-7", "cust-1")
SHIPPED = OrderShipped("ord-7", "track-1", "cust-1", NOW)
CANCELLED = OrderCancelled("ord-7", "too late", "cust-1", NOW)

WEEK = 7 * 24 * 3600
EXPIRES = Delay(WEEK, CancelOrder("ord-7", "nobody shipped it in time"), key="ord-7")
PLACED_ASKS: list[Effect] = [Dispatch(ReserveStock("ord-7")), EXPIRES]


def test_an_order_is_placed_pending_with_its_total_reserves_its_stock_and_will_expire() -> None:
    given().when(PlaceOrder("cust-1", WIDGETS, "ord-7")).then(PLACED, asks=PLACED_ASKS)


def test_an_order_without_an_id_gets_one_of_its_own() -> None:
    first = f"ord-{environment().new_id()}"
    placed = OrderPlaced(first, "cust-1", Status.PENDING, 3998, WIDGETS, NOW)
    expiry = Delay(WEEK, CancelOrder(first, "nobody shipped it in time"), key=first)

    given().when(PlaceOrder("cust-1", WIDGETS)).then(
        placed, asks=[Dispatch(ReserveStock(first)), expiry]
    )


def test_how_long_an_order_waits_is_a_matter_of_terms() -> None:
    env = Environment(0, "test", SYSTEM, Terms(order_expiry_seconds=60))

    _, (expiry,) = reduce_orders(Orders(), PLACED, env)

    assert expiry == Delay(60, CancelOrder("ord-7", "nobody shipped it in time"), key="ord-7")


def test_two_orders_cannot_have_one_id() -> None:
    again = PlaceOrder("cust-2", WIDGETS, "ord-7")

    given(PLACED).when(again).then_rejected(Code.CONFLICT, "order ord-7 already exists")


def test_a_confirmed_order_is_processed() -> None:
    given(PLACED).when(ConfirmOrder("ord-7")).then(PROCESSING)


def test_an_order_that_is_processed_can_be_shipped_and_then_expires_no_more() -> None:
    # Other features ask for more when an order leaves: this is what orders themselves do.
    orders = given(PLACED, PROCESSING).state.orders

    decided = reduce_orders(orders, ShipOrder("ord-7", "track-1"), environment())
    _, asked = reduce_orders(orders, SHIPPED, environment())

    assert decided == (orders, [Append(SHIPPED)])
    assert asked == [Cancel("ord-7")]


def test_a_pending_order_cannot_be_shipped() -> None:
    given(PLACED).when(ShipOrder("ord-7", "track-1")).then_rejected(Code.CONFLICT, "is pending")


def test_a_pending_order_can_be_cancelled() -> None:
    given(PLACED).when(CancelOrder("ord-7", "too late")).then(CANCELLED, asks=[Cancel("ord-7")])


def test_an_order_that_is_processed_can_be_cancelled() -> None:
    given(PLACED, PROCESSING).when(CancelOrder("ord-7", "too late")).then(
        CANCELLED, asks=[Cancel("ord-7")]
    )


def test_a_shipped_order_cannot_be_cancelled() -> None:
    shipped = given(PLACED, PROCESSING, SHIPPED)

    shipped.when(CancelOrder("ord-7", "no")).then_rejected(Code.CONFLICT, "ord-7 is shipped")


def test_an_order_is_cancelled_once() -> None:
    cancelled = given(PLACED, CANCELLED)

    cancelled.when(CancelOrder("ord-7", "no")).then_rejected(Code.CONFLICT, "is cancelled")
    cancelled.when(ShipOrder("ord-7", "track-1")).then_rejected(Code.CONFLICT, "is cancelled")
    cancelled.when(ConfirmOrder("ord-7")).then_rejected(Code.CONFLICT, "is cancelled")


def test_an_order_that_nobody_placed_does_not_exist() -> None:
    for command in ShipOrder("x", "t"), CancelOrder("x", "no"), ConfirmOrder("x"):
        given().when(command).then_rejected(Code.NOT_FOUND, "order x does not exist")


def test_events_leave_the_order_as_they_say() -> None:
    shipped = given(PLACED, PROCESSING, SHIPPED).state.orders.get("ord-7")
    cancelled = given(PLACED, CANCELLED).state.orders.get("ord-7")

    assert shipped is not None
    assert (shipped.status, shipped.tracking_number) == (Status.SHIPPED, "track-1")
    assert (shipped.shipped_at, shipped.total_cents) == (NOW, 3998)
    assert cancelled is not None
    assert (cancelled.status, cancelled.reason) == (Status.CANCELLED, "too late")
    assert cancelled.cancelled_at == NOW


def test_orders_are_listed_as_they_were_placed_all_and_each_customers() -> None:
    second = OrderPlaced("ord-1", "cust-2", Status.PENDING, 3998, WIDGETS, NOW)
    third = OrderPlaced("ord-3", "cust-1", Status.PENDING, 3998, WIDGETS, NOW)
    orders = given(PLACED, second, third, PROCESSING).state.orders

    assert list(orders.ids) == ["ord-7", "ord-1", "ord-3"]
    assert list(orders.of("cust-1")) == ["ord-7", "ord-3"]
    assert list(orders.of("cust-2").after(1)) == list(orders.of("nobody")) == []


def test_of_big_orders_fewer_are_shown_at_once() -> None:
    most = SHOWN_ITEMS // 100
    big = (
        OrderPlaced(f"ord-{number}", "cust-1", Status.PENDING, 0, WIDGETS * 100, NOW)
        for number in range(most + 2)
    )
    orders = given(*big).state.orders

    shown = view(orders, Principal("cust-1", Role.CUSTOMER))
    page = few((orders.by_id[order_id] for order_id in orders.ids.after(1)), 1000)

    assert [order.order_id for order in shown] == [f"ord-{most + 1 - n}" for n in range(most)]
    assert [order.order_id for order in page] == [f"ord-{1 + n}" for n in range(most)]


def test_a_view_shows_the_newest_order_first_and_a_customer_only_their_own() -> None:
    theirs = OrderPlaced("ord-8", "cust-2", Status.PENDING, 3998, WIDGETS, NOW)
    orders = given(PLACED, theirs).state.orders
    operator, customer = Principal("o", Role.OPERATOR), Principal("cust-1", Role.CUSTOMER)

    assert [order.order_id for order in view(orders, operator)] == ["ord-8", "ord-7"]
    assert [order.order_id for order in view(orders, customer)] == ["ord-7"]


def test_a_customer_places_and_cancels_their_own_orders_only() -> None:
    state = given(PLACED).state
    owner, other = Principal("cust-1", Role.CUSTOMER), Principal("cust-2", Role.CUSTOMER)

    assert may_send(owner, PlaceOrder("cust-1", WIDGETS), state)
    assert not may_send(other, PlaceOrder("cust-1", WIDGETS), state)
    for customer, hidden in ((owner, None), (other, "order ord-7")):
        assert may_send(customer, CancelOrder("ord-7", "no"), state)
        assert hidden_from(customer, CancelOrder("ord-7", "no"), state) == hidden
        assert hidden_from(customer, CancelOrder("ord-8", "no"), state) is None
    assert not may_send(owner, ShipOrder("ord-7", "t"), state)


def test_an_operator_sends_every_command_of_clients_and_no_other() -> None:
    operator = Principal("o", Role.OPERATOR)

    assert may_send(operator, ShipOrder("ord-7", "t"), State())
    assert not may_send(operator, ConfirmOrder("ord-7"), State())
    assert may_send(SYSTEM, ConfirmOrder("ord-7"), State())
    assert may_send(SYSTEM, CancelOrder("ord-7", "out of stock"), State())
    for principal in operator, SYSTEM:
        assert hidden_from(principal, CancelOrder("ord-7", "no"), given(PLACED).state) is None


def test_nobody_unnamed_may_do_or_hear_anything() -> None:
    nobody = Principal("anonymous", Role.ANONYMOUS)

    assert not may_send(nobody, PlaceOrder("anonymous", WIDGETS), State())
    assert not may_hear(nobody, "orders:anonymous")
    assert not may_hear(nobody, "orders")


def test_a_customer_hears_their_own_orders_and_an_operator_all() -> None:
    customer, operator = Principal("cust-1", Role.CUSTOMER), Principal("o", Role.OPERATOR)

    assert may_hear(customer, "orders:cust-1")
    assert not may_hear(customer, "orders:cust-2")
    assert not may_hear(customer, "orders")
    assert may_hear(operator, "orders")
    assert may_hear(operator, "orders:cust-2")


def test_reducing_is_pure() -> None:
    before = given(PLACED).state

    first = reduce(before, SHIPPED, environment())
    second = reduce(before, SHIPPED, environment())

    assert first == second
    assert before == given(PLACED).state
