"""Whatever is asked, and in whatever order its consequences come: no unit is lost or made up."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from app.core.effects import Append, Cancel, Delay, Dispatch
from app.core.rejected import Rejected
from app.domain import Command, Effect, Event, State, reduce
from app.domain.inventory.actions import AddStock, StockReserved
from app.domain.orders.actions import (
    CancelOrder,
    Item,
    OrderShipped,
    PlaceOrder,
    ShipOrder,
    Status,
)
from tests.scenario import environment

PRODUCTS = st.sampled_from(["p", "q"])
ORDERS = st.sampled_from(["a", "b", "c"])
ITEMS = st.builds(Item, PRODUCTS, st.just("Thing"), st.integers(1, 4), st.just(100))
COMMANDS: st.SearchStrategy[Command] = st.one_of(
    st.builds(AddStock, PRODUCTS, st.integers(1, 6)),
    st.builds(
        PlaceOrder, st.just("ada"), st.lists(ITEMS, min_size=1, max_size=3).map(tuple), ORDERS
    ),
    st.builds(ShipOrder, ORDERS, st.just("track")),
    st.builds(CancelOrder, ORDERS, st.just("why not")),
)
# None: something that was asked for is done now.
STEPS = st.lists(st.one_of(COMMANDS, st.none(), st.none()), min_size=10, max_size=60)


@dataclass
class Shop:
    """A State, what was asked for and is not done yet, and books that are kept apart from it."""

    chance: Random
    state: State = field(default_factory=State)
    pending: list[Command] = field(default_factory=list)
    expiring: dict[str, Command] = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)
    stocked: Counter[str] = field(default_factory=Counter)
    laid_aside: dict[str, Counter[str]] = field(default_factory=dict)
    shipped: Counter[str] = field(default_factory=Counter)

    def decide(self, command: Command) -> None:
        """Decide a command, apply its events, and remember what they ask for."""
        try:
            _, decided = reduce(self.state, command, environment())
        except Rejected:
            return
        if isinstance(command, AddStock):
            self.stocked[command.product_id] += command.quantity
        for effect in decided:
            assert isinstance(effect, Append)
            self.happen(effect.event)

    def happen(self, event: Event) -> None:
        """Apply an event."""
        self.events.append(event)
        self.enter(event)
        self.state, asked = reduce(self.state, event, environment())
        for effect in asked:
            self.ask(effect)

    def enter(self, event: Event) -> None:
        """Keep the books."""
        if isinstance(event, StockReserved):
            units = {each.product_id: each.quantity for each in event.units}
            self.laid_aside[event.order_id] = Counter(units)
        if isinstance(event, OrderShipped):
            self.shipped.update(self.laid_aside[event.order_id])

    def ask(self, effect: Effect) -> None:
        """Remember what is asked for, and forget what is cancelled; tasks lead to no command."""
        match effect:
            case Dispatch(command):
                self.pending.append(command)
            case Delay(_, command, key):
                self.expiring[str(key)] = command
            case Cancel(key):
                self.expiring.pop(key, None)

    def perform_one(self) -> None:
        """Do any one of the things that were asked for; now and then it comes too late."""
        if self.pending:
            self.decide(self.pending.pop(self.chance.randrange(len(self.pending))))
        elif self.expiring:
            self.decide(self.expiring.pop(self.chance.choice(sorted(self.expiring))))

    def settle(self) -> None:
        """Do all that is asked for, but let no order expire."""
        while self.pending:
            self.perform_one()

    def check(self) -> None:
        """Every unit is available, reserved or shipped; nothing is owed."""
        inventory = self.state.inventory
        reserved: Counter[str] = Counter()
        for claim in inventory.reserved.values():
            assert claim.units
            for units in claim.units:
                assert units.quantity > 0
                reserved[units.product_id] += units.quantity
        for product_id, available in inventory.available.items():
            assert available >= 0
            parts = available + reserved[product_id] + self.shipped[product_id]
            assert parts == self.stocked[product_id]
        assert set(reserved) | set(+self.shipped) <= set(inventory.available)

    def check_settled(self) -> None:
        """Nothing waits: each order is where it stays, and stock is reserved for open ones only."""
        inventory, orders = self.state.inventory, self.state.orders
        assert not dict(inventory.wanted)
        for order in orders.by_id.values():
            assert order.status is not Status.PENDING
            assert order.total_cents >= 0
            held = self.laid_aside.get(order.order_id, Counter())
            holds = order.status is Status.PROCESSING and bool(held)
            assert (order.order_id in inventory.reserved) is holds
            assert (order.order_id in self.expiring) is (order.status is Status.PROCESSING)


@settings(max_examples=300)
@given(STEPS, st.randoms(use_true_random=False))
def test_every_unit_is_available_reserved_or_shipped(
    steps: list[Command | None], chance: Random
) -> None:
    shop = Shop(chance)

    for step in steps:
        shop.perform_one() if step is None else shop.decide(step)
        shop.check()
    shop.settle()

    shop.check()
    shop.check_settled()
    replayed = State()
    for event in shop.events:
        replayed, _ = reduce(replayed, event, environment())
    assert replayed == shop.state
