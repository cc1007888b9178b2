"""Where the counter stands."""

from dataclasses import dataclass

from app.core.principal import Principal


@dataclass(frozen=True, slots=True)
class Counter:
    """The counter; `turns` counts its changes."""

    value: int = 0
    turns: int = 0


def view(counter: Counter, principal: Principal) -> Counter:
    """What a client starts from."""
    return counter
