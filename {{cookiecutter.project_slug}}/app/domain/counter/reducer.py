"""The rules of the counter: what a command may do, and what an event changes.

A rule is a `require_…` called from a command's branch. Events are never refused.
"""

from typing import Never, assert_never

from app.core.effects import Append, Effects
from app.core.environment import Environment
from app.core.rejected import Code, Rejected
from app.domain.counter.actions import (
    CounterAction,
    CounterEvent,
    Increment,
    Incremented,
    Reset,
    WasReset,
)
from app.domain.counter.state import Counter

HIGHEST = 1_000_000


def reduce(
    state: Counter, action: CounterAction, env: Environment
) -> tuple[Counter, Effects[CounterEvent, Never]]:
    """Decide a command, or apply an event."""
    match action:
        case Increment():
            value = state.value + action.by
            require_in_range(value)
            return state, [Append(Incremented(action.by, value))]

        case Reset():
            return state, [Append(WasReset())]

        case Incremented():
            return Counter(action.value, state.turns + 1), []

        case WasReset():
            return Counter(0, state.turns + 1), []

        case _:
            assert_never(action)


def require_in_range(value: int) -> None:
    """The counter has six digits."""
    if value > HIGHEST:
        raise Rejected(Code.CONFLICT, f"the counter stops at {HIGHEST}, and {value} is more")
