"""Who may send which command, and who may hear which topic. What is not named here is denied."""

from app.core.principal import Principal, Role
from app.domain import Command, State

# {%- if cookiecutter.starter == "showcase" +%}
from app.domain.chat.actions import ReportPresence, SendMessage

# {%- endif +%}
# {%- if cookiecutter.starter == "blank" +%}
from app.domain.counter.actions import Increment, Reset

# {%- endif +%}
# {%- if cookiecutter.starter == "showcase" +%}
from app.domain.documents.actions import EditDocument

# {%- endif +%}
# {%- if cookiecutter.starter != "blank" +%}
from app.domain.inventory.actions import AddStock, ReleaseStock, ReserveStock

# {%- endif +%}
# {%- if cookiecutter.starter == "showcase" +%}
from app.domain.jobs.actions import CancelBatch, RecordProgress, StartBatch
from app.domain.metrics.actions import ReportMetrics
from app.domain.notifications.actions import CreateNotification, MarkNotificationRead

# {%- endif +%}
# {%- if cookiecutter.starter != "blank" +%}
from app.domain.orders.actions import CancelOrder, ConfirmOrder, PlaceOrder, ShipOrder

# {%- endif +%}
from app.domain.revocation.actions import RevokeTokens


def may_send(principal: Principal, command: Command, state: State) -> bool:
    """Whether this command is the principal's to give, as things stand.

    What it must not be given about, because it is somebody else's, `hidden_from` names.
    """
    match principal.role, command:
        case (Role.OPERATOR, RevokeTokens()):
            return True
        # {% if cookiecutter.starter == "blank" %}
        case (Role.CUSTOMER | Role.OPERATOR, Increment()):
            return True
        case (Role.OPERATOR, Reset()):
            return True
        # {% endif %}
        # {% if cookiecutter.starter != "blank" %}
        case (Role.OPERATOR, AddStock() | PlaceOrder() | ShipOrder() | CancelOrder()):
            return True
        case (Role.CUSTOMER, PlaceOrder()):
            return command.customer_id == principal.name
        case (Role.CUSTOMER, CancelOrder()):
            return True
        case (Role.SYSTEM, ConfirmOrder() | CancelOrder() | ReserveStock() | ReleaseStock()):
            return True
        # {% endif %}
        # {% if cookiecutter.starter == "showcase" %}
        case (Role.CUSTOMER | Role.OPERATOR, EditDocument() | SendMessage()):
            return True
        case (Role.CUSTOMER | Role.OPERATOR, MarkNotificationRead()):
            return True
        case (Role.OPERATOR, StartBatch() | CancelBatch()):
            return True
        case (Role.SYSTEM, CreateNotification() | RecordProgress() | ReportMetrics()):
            return True
        case (Role.SYSTEM, ReportPresence()):
            return True
        # {% endif %}
    return False


def hidden_from(principal: Principal, command: Command, state: State) -> str | None:
    """What the command is about, if that is private and somebody else's; None if it is not.

    Whoever sends it is told that there is no such thing: that it may not be touched would tell that
    it is there, and ids can be guessed. What is not hidden is that an id is taken, where whoever
    sends the command chooses it for something new: it must be refused then, whoever has it.
    """
    # {% if cookiecutter.starter != "blank" %}
    match command, principal.role:
        case (CancelOrder(), Role.CUSTOMER):
            order = state.orders.get(command.order_id)
            if order is not None and order.customer_id != principal.name:
                return f"order {command.order_id}"
        # {% if cookiecutter.starter == "showcase" %}
        case (MarkNotificationRead(), Role.CUSTOMER | Role.OPERATOR):
            notification = state.notifications.get(command.notification_id)
            if notification is not None and notification.user_id != principal.name:
                return f"notification {command.notification_id}"
        # {% endif %}
    # {% endif %}
    return None


def may_hear(principal: Principal, topic: str) -> bool:
    """Whether the principal may hear all that happens on a topic.

    A topic is a `name`, or a `name:part`; the name alone means every part of it.
    """
    match principal.role, topic.split(":", 1):
        case (Role.OPERATOR, ["revocation"]):
            return True
        # {% if cookiecutter.starter == "blank" %}
        case (Role.CUSTOMER | Role.OPERATOR, ["counter"]):
            return True
        # {% endif %}
        # {% if cookiecutter.starter != "blank" %}
        case (Role.CUSTOMER | Role.OPERATOR, ["inventory"]):
            return True
        case (Role.OPERATOR, ["orders", *_]):
            return True
        case (Role.CUSTOMER, ["orders", customer_id]):
            return customer_id == principal.name
        # {% endif %}
        # {% if cookiecutter.starter == "showcase" %}
        case (Role.CUSTOMER | Role.OPERATOR, ["documents" | "chat" | "presence", *_]):
            return True
        case (Role.CUSTOMER | Role.OPERATOR, ["notifications", user_id]):
            return user_id == principal.name
        case (Role.OPERATOR, ["jobs" | "metrics"]):
            return True
        # {% endif %}
    return False


def may_operate(principal: Principal) -> bool:
    """Whether the principal may list, retry and discard what has failed for good."""
    return principal.role is Role.OPERATOR


def may_read_log(principal: Principal) -> bool:
    """Whether the principal may read the event log, but for what only others may hear of."""
    return principal.role is Role.OPERATOR
