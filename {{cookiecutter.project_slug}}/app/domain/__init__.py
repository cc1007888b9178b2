"""All features as one: the State, the Command, the Event and the one reducer.

A new feature adds its line to each union, its field to the State, its line to the features, its
view, and its rows to `policy.py`. Most of what is forgotten fails the type check.
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple, Never, TypeAlias, Union, assert_never

from app.core.effects import Append, Durable, Publish
from app.core.environment import Environment
from app.core.principal import Principal

# {%- if cookiecutter.starter == "showcase" +%}
from app.domain.chat.actions import ChatCommand, ChatEvent, ChatSystemCommand
from app.domain.chat.actions import topic as topic_of_chat
from app.domain.chat.reducer import reduce as reduce_chat
from app.domain.chat.state import Chat
from app.domain.chat.state import view as view_chat

# {%- endif +%}
# {%- if cookiecutter.starter == "blank" +%}
from app.domain.counter.actions import CounterCommand, CounterEvent
from app.domain.counter.actions import topic as topic_of_counter
from app.domain.counter.reducer import reduce as reduce_counter
from app.domain.counter.state import Counter
from app.domain.counter.state import view as view_counter

# {%- endif +%}
# {%- if cookiecutter.starter == "showcase" +%}
from app.domain.documents.actions import DocumentCommand, DocumentEvent
from app.domain.documents.actions import topic as topic_of_documents
from app.domain.documents.reducer import reduce as reduce_documents
from app.domain.documents.state import Documents
from app.domain.documents.state import view as view_documents

# {%- endif +%}
from app.domain.features import Features

# {%- if cookiecutter.starter != "blank" +%}
from app.domain.inventory.actions import (
    InventoryCommand,
    InventoryEvent,
    InventorySystemCommand,
)
from app.domain.inventory.actions import topic as topic_of_inventory
from app.domain.inventory.reducer import reduce as reduce_inventory
from app.domain.inventory.state import Inventory
from app.domain.inventory.state import view as view_inventory

# {%- endif +%}
# {%- if cookiecutter.starter == "showcase" +%}
from app.domain.jobs.actions import JobCommand, JobEvent, JobSystemCommand
from app.domain.jobs.actions import topic as topic_of_jobs
from app.domain.jobs.reducer import reduce as reduce_jobs
from app.domain.jobs.state import Jobs
from app.domain.jobs.state import view as view_jobs
from app.domain.jobs.tasks import ProcessItems
from app.domain.metrics.actions import MetricsEvent, MetricsSystemCommand
from app.domain.metrics.actions import topic as topic_of_metrics
from app.domain.metrics.reducer import reduce as reduce_metrics
from app.domain.metrics.state import Metrics
from app.domain.metrics.state import view as view_metrics
from app.domain.notifications.actions import (
    NotificationCommand,
    NotificationEvent,
    NotificationSystemCommand,
)
from app.domain.notifications.actions import topic as topic_of_notifications
from app.domain.notifications.reducer import reduce as reduce_notifications
from app.domain.notifications.state import Notifications
from app.domain.notifications.state import view as view_notifications
from app.domain.notifications.tasks import SendMail

# {%- endif +%}
# {%- if cookiecutter.starter != "blank" +%}
from app.domain.orders.actions import OrderCommand, OrderEvent, OrderSystemCommand
from app.domain.orders.actions import topic as topic_of_orders
from app.domain.orders.reducer import reduce as reduce_orders
from app.domain.orders.state import Orders
from app.domain.orders.state import view as view_orders

# {%- endif +%}
from app.domain.revocation.actions import RevocationCommand, RevocationEvent
from app.domain.revocation.actions import topic as topic_of_revocation
from app.domain.revocation.reducer import reduce as reduce_revocation
from app.domain.revocation.state import Revocations
from app.domain.revocation.state import view as view_revocation

# What clients may send.
ClientCommand: TypeAlias = Union[
    # one feature a line
    RevocationCommand,
    # {% if cookiecutter.starter == "blank" %}
    CounterCommand,
    # {% endif %}
    # {% if cookiecutter.starter != "blank" %}
    InventoryCommand,
    OrderCommand,
    # {% endif %}
    # {% if cookiecutter.starter == "showcase" %}
    ChatCommand,
    DocumentCommand,
    JobCommand,
    NotificationCommand,
    # {% endif %}
]

# And what only the service itself may ask for.
Command: TypeAlias = Union[
    # one feature a line
    ClientCommand,
    # {% if cookiecutter.starter != "blank" %}
    InventorySystemCommand,
    OrderSystemCommand,
    # {% endif %}
    # {% if cookiecutter.starter == "showcase" %}
    ChatSystemCommand,
    JobSystemCommand,
    MetricsSystemCommand,
    NotificationSystemCommand,
    # {% endif %}
]

Event: TypeAlias = Union[
    # one feature a line
    RevocationEvent,
    # {% if cookiecutter.starter == "blank" %}
    CounterEvent,
    # {% endif %}
    # {% if cookiecutter.starter != "blank" %}
    InventoryEvent,
    OrderEvent,
    # {% endif %}
    # {% if cookiecutter.starter == "showcase" %}
    ChatEvent,
    DocumentEvent,
    JobEvent,
    MetricsEvent,
    NotificationEvent,
    # {% endif %}
]

NoTask: TypeAlias = Never

# What `Run` and `Stream` do outside of the service.
Task: TypeAlias = Union[
    # one task a line
    NoTask,
    # {% if cookiecutter.starter == "showcase" %}
    ProcessItems,
    SendMail,
    # {% endif %}
]

Effect: TypeAlias = Append[Event] | Publish[Event] | Durable[Command]


# A named tuple, because it is made anew for every event: that takes a third of the time.
class State(NamedTuple):
    """Everything the service knows: one immutable tree, a branch for each feature.

    A branch is a dataclass, and its fields may be persistent maps (`HashTrieMap`); what is in those
    is plain: texts, numbers, dates, tuples and frozen dataclasses, but no further map.
    """

    revocation: Revocations = Revocations()
    # {% if cookiecutter.starter == "blank" %}
    counter: Counter = Counter()
    # {% endif %}
    # {% if cookiecutter.starter != "blank" %}
    inventory: Inventory = Inventory()
    orders: Orders = Orders()
    # {% endif %}
    # {% if cookiecutter.starter == "showcase" %}
    chat: Chat = Chat()
    documents: Documents = Documents()
    jobs: Jobs = Jobs()
    metrics: Metrics = Metrics()
    notifications: Notifications = Notifications()
    # {% endif %}


def reduce(state: State, action: Command | Event, env: Environment) -> tuple[State, list[Effect]]:
    """Hand the action to every feature whose own `…Action` names it.

    A command has one feature that decides it; an event may concern several.
    """
    effects: list[Effect] = []
    for feature in FEATURES.of(action):
        state, asked = feature(state, action, env)
        effects.extend(asked)
    return state, effects


FEATURES = (
    Features[State, Never, Effect]()
    # one feature a line
    .and_(lambda s: s.revocation, reduce_revocation, lambda s, own: s._replace(revocation=own))
    # {% if cookiecutter.starter == "blank" %}
    .and_(lambda s: s.counter, reduce_counter, lambda s, own: s._replace(counter=own))
    # {% endif %}
    # {% if cookiecutter.starter != "blank" %}
    .and_(lambda s: s.inventory, reduce_inventory, lambda s, own: s._replace(inventory=own))
    .and_(lambda s: s.orders, reduce_orders, lambda s, own: s._replace(orders=own))
    # {% endif %}
    # {% if cookiecutter.starter == "showcase" %}
    .and_(lambda s: s.chat, reduce_chat, lambda s, own: s._replace(chat=own))
    .and_(lambda s: s.documents, reduce_documents, lambda s, own: s._replace(documents=own))
    .and_(lambda s: s.jobs, reduce_jobs, lambda s, own: s._replace(jobs=own))
    .and_(lambda s: s.metrics, reduce_metrics, lambda s, own: s._replace(metrics=own))
    .and_(lambda s: s.notifications, reduce_notifications, lambda s, n: s._replace(notifications=n))
    # {% endif %}
)


def topic_of(event: Event) -> str:
    """The topic on which an event is heard; who may hear it stands in `policy.py`."""
    if isinstance(event, RevocationEvent):
        return topic_of_revocation(event)
    # {% if cookiecutter.starter == "blank" %}
    if isinstance(event, CounterEvent):
        return topic_of_counter(event)
    # {% endif %}
    # {% if cookiecutter.starter != "blank" %}
    if isinstance(event, InventoryEvent):
        return topic_of_inventory(event)
    if isinstance(event, OrderEvent):
        return topic_of_orders(event)
    # {% endif %}
    # {% if cookiecutter.starter == "showcase" %}
    if isinstance(event, ChatEvent):
        return topic_of_chat(event)
    if isinstance(event, DocumentEvent):
        return topic_of_documents(event)
    if isinstance(event, JobEvent):
        return topic_of_jobs(event)
    if isinstance(event, MetricsEvent):
        return topic_of_metrics(event)
    if isinstance(event, NotificationEvent):
        return topic_of_notifications(event)
    # {% endif %}
    assert_never(event)


# What a client starts from, by topic: each feature's view of its branch of the State.
VIEWS: Mapping[str, Callable[[State, Principal], object]] = {
    "revocation": lambda state, principal: view_revocation(state.revocation, principal),
    # {% if cookiecutter.starter == "blank" %}
    "counter": lambda state, principal: view_counter(state.counter, principal),
    # {% endif %}
    # {% if cookiecutter.starter != "blank" %}
    "inventory": lambda state, principal: view_inventory(state.inventory, principal),
    "orders": lambda state, principal: view_orders(state.orders, principal),
    # {% endif %}
    # {% if cookiecutter.starter == "showcase" %}
    "chat": lambda state, principal: view_chat(state.chat, principal),
    "documents": lambda state, principal: view_documents(state.documents, principal),
    "jobs": lambda state, principal: view_jobs(state.jobs, principal),
    "metrics": lambda state, principal: view_metrics(state.metrics, principal),
    "notifications": lambda state, principal: view_notifications(state.notifications, principal),
    # {% endif %}
}

# Topics whose events are told once and never stored: only those who name them hear them, and when
# they come faster than one in so many seconds, the latest takes the place of the one before.
EPHEMERAL: Mapping[str, float] = {
    # topic: seconds
    # {% if cookiecutter.starter == "showcase" %}
    "metrics": 0.1,
    "presence": 1.0,
    # {% endif %}
}
# Those whose events each process makes for its own clients: other processes are not told.
OWN_TOPICS: frozenset[str] = frozenset(
    [
        # topic
        # {% if cookiecutter.starter == "showcase" %}
        "metrics",
        "presence",
        # {% endif %}
    ]
)

# What can be listened to; a name may be followed by a colon and the part that is meant.
TOPICS = frozenset(VIEWS) | EPHEMERAL.keys()
