"""Orders in a simulation."""

from random import Random

from app.core.principal import Principal, Role
from app.domain import Command, State
from app.domain.orders.actions import (
    CancelOrder,
    Item,
    OrderPlaced,
    OrderShipped,
    PlaceOrder,
    ShipOrder,
    Status,
)
from tests.simulation.features import Story

PRODUCTS = ("bolt", "nut", "untracked")
OPEN = (Status.PENDING, Status.PROCESSING)

WEIGHT = 4


def command(chance: Random, state: State, principal: Principal) -> Command:
    """Order something; or ship or cancel one of the orders there are, whoever's it is."""
    orders = state.orders
    order_id = chance.choice(list(orders.ids)) if len(orders.ids) else "nowhere"
    fate = chance.random()
    if principal.role is Role.OPERATOR and fate < 0.7:
        ready = [i for i in orders.ids.newest_first() if orders.by_id[i].status in OPEN]
        return ShipOrder(chance.choice(ready) if ready else order_id, "track-1")
    if fate < 0.8:
        return PlaceOrder(principal.name, items(chance), chance.choice((None, None, order_id)))
    return CancelOrder(order_id, "on second thoughts")


def items(chance: Random) -> tuple[Item, ...]:
    """One to three lines, of which two may be of the same product."""
    return tuple(
        Item(product_id, "Thing", chance.randint(1, 4), chance.choice((0, 1, 1999)))
        for product_id in chance.choices(PRODUCTS, k=chance.randint(1, 3))
    )


def check(state: State) -> None:
    """Every order has its time and its reason, and is listed once."""
    orders = list(state.orders.by_id.values())
    assert len(orders) == len(state.orders.by_id)
    for order in orders:
        assert order.total_cents == sum(i.quantity * i.unit_price_cents for i in order.items)
        assert (order.status is Status.SHIPPED) is (order.shipped_at is not None)
        assert (order.status is Status.CANCELLED) is (order.cancelled_at is not None)


def finish(story: Story) -> None:
    """Every order has left, or was cancelled, if only because nobody shipped it in time.

    It is of whoever it was placed for, with what they wanted; one that has left expires no more.
    """
    for order in story.state.orders.by_id.values():
        assert order.status not in OPEN, f"order {order.order_id} is {order.status}"
    orders = story.state.orders
    placed = {event.order_id: position for position, event in story.of(OrderPlaced)}
    assert sum(isinstance(each.command, PlaceOrder) for each in story.decided) == len(placed)
    assert list(orders.ids) == list(placed)
    for decided in story.decided:
        match decided.command:
            case PlaceOrder(customer_id, items):
                (event,) = decided.events.values()
                assert isinstance(event, OrderPlaced)
                order = orders.by_id[event.order_id]
                assert (order.customer_id, order.items) == (customer_id, items)
            case CancelOrder(order_id) if decided.by.role is Role.CUSTOMER:
                assert orders.by_id[order_id].customer_id == decided.by.name, (
                    "another's order is cancelled"
                )
    for position, shipped in story.of(OrderShipped):
        assert shipped.customer_id == orders.by_id[shipped.order_id].customer_id
        expiry = story.last[placed[shipped.order_id]]
        assert expiry < position, f"order {shipped.order_id} is shipped, and expires"
