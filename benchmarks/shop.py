"""The orders that the measurements place, and the rules they are decided by."""

from dataclasses import replace
from typing import TypeAlias

from app import bootstrap
from app.core.effects import Append, Publish
from app.core.environment import Environment
from app.core.principal import Principal, Role
from app.domain import Command, Effect, Event, State
from app.domain.orders.actions import Item, PlaceOrder
from app.runtime.rules import Rules
from app.settings import Settings

CUSTOMERS = 2_000
PRODUCTS = 500
# Nothing that a log of the past still waits for becomes due while it is measured.
TEN_YEARS = 10 * 365 * 24 * 3600

SHOP = Principal("shop", Role.OPERATOR)

ShopRules: TypeAlias = Rules[State, Command, Event]


def order(number: int, lines: int = 1, *, unlike: bool = False) -> PlaceOrder:
    """The order with this number: customers and a catalogue of products take turns.

    With `unlike`, no two items of any orders are the same.
    """
    items = tuple(_item(number * lines + line, unlike=unlike) for line in range(lines))
    return PlaceOrder(f"cust-{number % CUSTOMERS}", items)


def _item(number: int, *, unlike: bool) -> Item:
    product = number if unlike else number % PRODUCTS
    return Item(f"prod-{product}", f"Product {product}", 1 + number % 4, 100 + product)


def shop_rules() -> ShopRules:
    """The rules of the service."""
    return bootstrap.rules(Settings(order_expiry_seconds=TEN_YEARS))


def without_saga(rules: ShopRules) -> ShopRules:
    """The same rules, but events ask for nothing: what a command costs by itself."""

    def reduce(
        state: State, action: Command | Event, env: Environment
    ) -> tuple[State, list[Effect]]:
        state, asked = rules.reduce(state, action, env)
        return state, [effect for effect in asked if isinstance(effect, Append | Publish)]

    return replace(rules, reduce=reduce)
