"""The rules of things: what a command may do, and what an event changes.

A rule is a `require_…` called from a command's branch. Events are never refused.
"""

from typing import Never, assert_never

from app.core.effects import Append, Effects
from app.core.environment import Environment
from app.core.rejected import Code, Rejected
from app.domain.things.actions import AddThing, ThingAction, ThingAdded, ThingEvent
from app.domain.things.state import Thing, Things


def reduce(
    state: Things, action: ThingAction, env: Environment
) -> tuple[Things, Effects[ThingEvent, Never]]:
    """Decide a command, or apply an event."""
    match action:
        # Call your rules here, then ask for the event. The command itself changes no State.
        case AddThing():
            require_free(state, action.name)
            return state, [Append(ThingAdded(env.new_id(), action.name, env.now()))]

        # Change the State here, and ask for what is to follow: Dispatch, Run, Delay …
        case ThingAdded():
            return state.added(Thing(action.thing_id, action.name, action.added_at)), []

        case _:
            assert_never(action)


def require_free(state: Things, name: str) -> None:
    """No two have one name."""
    if state.get(name) is not None:
        raise Rejected(Code.CONFLICT, f"the name {name} is taken")
