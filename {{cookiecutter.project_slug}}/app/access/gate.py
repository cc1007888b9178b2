"""The gate both doors share: the policy of the domain, in the words of a refusal."""

from app.core.principal import Principal, Role
from app.core.rejected import Code, Rejected
from app.domain import Command, State
from app.domain.policy import hidden_from, may_hear, may_operate, may_read_log, may_send


def require_may_send(principal: Principal, command: Command, state: State) -> None:
    """Raise Rejected unless the policy allows the command; what is hidden does not exist."""
    if not may_send(principal, command, state):
        raise _denied(principal, f"send this {type(command).__name__}")
    hidden = hidden_from(principal, command, state)
    if hidden is not None:
        raise Rejected(Code.NOT_FOUND, f"{hidden} does not exist")


def require_may_hear(principal: Principal, topic: str) -> None:
    """Raise Rejected unless the policy allows the topic."""
    if not may_hear(principal, topic):
        raise _denied(principal, f"read {topic}")


def require_may_operate(principal: Principal) -> None:
    """Raise Rejected unless the policy lets the principal see to what has failed for good."""
    if not may_operate(principal):
        raise _denied(principal, "see to dead letters")


def require_may_read_log(principal: Principal) -> None:
    """Raise Rejected unless the policy lets the principal read the event log."""
    if not may_read_log(principal):
        raise _denied(principal, "read the event log")


def _denied(principal: Principal, wish: str) -> Rejected:
    if principal.role is Role.ANONYMOUS:
        return Rejected(Code.UNAUTHENTICATED, f"say who you are: nobody may {wish} unnamed")
    return Rejected(Code.FORBIDDEN, f"{principal.name} ({principal.role}) may not {wish}")
