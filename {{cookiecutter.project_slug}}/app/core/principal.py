"""Who asks: a name and a role."""

from dataclasses import dataclass
from enum import StrEnum


class Role(StrEnum):
    """What a principal is to the service; `domain/policy.py` says what each may do."""

    ANONYMOUS = "anonymous"
    CUSTOMER = "customer"
    OPERATOR = "operator"
    SYSTEM = "system"


@dataclass(frozen=True, slots=True)
class Principal:
    """The sender of a command or the hearer of an event."""

    name: str
    role: Role


SYSTEM = Principal("system", Role.SYSTEM)
