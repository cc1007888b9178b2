"""All features as one: the State, the Command, the Event and the one reducer.

A new feature adds its line to each union, its field to the State, its branch to each function,
and its rows to `policy.py`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TypeAlias, Union, assert_never

from app.core.effects import Append, Dispatch, Publish
from app.core.environment import Environment
from app.core.principal import Principal

# {%- if cookiecutter.starter == "blank" +%}
from app.domain.counter.actions import CounterAction, CounterCommand, CounterEvent
from app.domain.counter.actions import topic as topic_of_counter
from app.domain.counter.reducer import reduce as reduce_counter
from app.domain.counter.state import Counter
from app.domain.counter.state import view as view_counter

# {%- endif +%}
# {%- if cookiecutter.starter != "blank" +%}
from app.domain.inventory.actions import InventoryAction, InventoryCommand, InventoryEvent
from app.domain.inventory.actions import topic as topic_of_inventory
from app.domain.inventory.reducer import reduce as reduce_inventory
from app.domain.inventory.state import Inventory
from app.domain.inventory.state import view as view_inventory
from app.domain.orders.actions import OrderAction, OrderCommand, OrderEvent, OrderSystemCommand
from app.domain.orders.actions import topic as topic_of_order
from app.domain.orders.reducer import reduce as reduce_orders
from app.domain.orders.state import Orders
from app.domain.orders.state import view as view_orders
# {%- endif +%}

# What clients may send.
ClientCommand: TypeAlias = Union[
    # one feature a line
    # {% if cookiecutter.starter == "blank" %}
    CounterCommand,
    # {% endif %}
    # {% if cookiecutter.starter != "blank" %}
    InventoryCommand,
    OrderCommand,
    # {% endif %}
]

# And what only the service itself may ask for, by `Dispatch`.
Command: TypeAlias = Union[
    # one feature a line
    ClientCommand,
    # {% if cookiecutter.starter != "blank" %}
    OrderSystemCommand,
    # {% endif %}
]

Event: TypeAlias = Union[
    # one feature a line
    # {% if cookiecutter.starter == "blank" %}
    CounterEvent,
    # {% endif %}
    # {% if cookiecutter.starter != "blank" %}
    InventoryEvent,
    OrderEvent,
    # {% endif %}
]

Effect: TypeAlias = Append[Event] | Publish[Event] | Dispatch[Command]


@dataclass(frozen=True, slots=True)
class State:
    """Everything the service knows: one immutable tree, a branch for each feature."""

    # {% if cookiecutter.starter == "blank" %}
    counter: Counter = Counter()
    # {% endif %}
    # {% if cookiecutter.starter != "blank" %}
    inventory: Inventory = Inventory()
    orders: Orders = Orders()
    # {% endif %}


def reduce(state: State, action: Command | Event, env: Environment) -> tuple[State, list[Effect]]:
    """Hand the action to every feature whose own `…Action` names it.

    A command has one feature that decides it; an event may concern several.
    """
    effects: list[Effect] = []
    # {% if cookiecutter.starter == "blank" %}
    if isinstance(action, CounterAction):
        counter, asked = reduce_counter(state.counter, action, env)
        state = replace(state, counter=counter)
        effects.extend(asked)
    # {% endif %}
    # {% if cookiecutter.starter != "blank" %}
    if isinstance(action, InventoryAction):
        inventory, asked_by_inventory = reduce_inventory(state.inventory, action, env)
        state = replace(state, inventory=inventory)
        effects.extend(asked_by_inventory)
    if isinstance(action, OrderAction):
        orders, asked_by_orders = reduce_orders(state.orders, action, env)
        state = replace(state, orders=orders)
        effects.extend(asked_by_orders)
    # {% endif %}
    return state, effects


def topic_of(event: Event) -> str:
    """The topic on which an event is heard; who may hear it stands in `policy.py`."""
    # {% if cookiecutter.starter == "blank" %}
    if isinstance(event, CounterEvent):
        return topic_of_counter(event)
    # {% endif %}
    # {% if cookiecutter.starter != "blank" %}
    if isinstance(event, InventoryEvent):
        return topic_of_inventory(event)
    if isinstance(event, OrderEvent):
        return topic_of_order(event)
    # {% endif %}
    assert_never(event)


# What a client starts from, by topic: each feature's view of its branch of the State.
VIEWS: Mapping[str, Callable[[State, Principal], object]] = {
    # {% if cookiecutter.starter == "blank" %}
    "counter": lambda state, principal: view_counter(state.counter, principal),
    # {% endif %}
    # {% if cookiecutter.starter != "blank" %}
    "inventory": lambda state, principal: view_inventory(state.inventory, principal),
    "orders": lambda state, principal: view_orders(state.orders, principal),
    # {% endif %}
}
