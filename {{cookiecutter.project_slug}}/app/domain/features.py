"""Which features take an action: found by its class, and counted by the type checker."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from types import MappingProxyType
from typing import Any, Generic, TypeVar, get_args, get_type_hints

from app.core.environment import Environment

State = TypeVar("State")
Effect = TypeVar("Effect")
Action = TypeVar("Action", contravariant=True)
More = TypeVar("More")
Own = TypeVar("Own")

NOBODY: Mapping[type, tuple[Callable[..., Any], ...]] = MappingProxyType({})


class Features(Generic[State, Action, Effect]):
    """The reducers of features, by the classes of the actions that they take.

    `Features[State, A | B, Effect]` takes every A and every B. Handing it an action that none of
    its features takes fails the type check, so that no feature can be forgotten.
    """

    def __init__(self, by_class: Mapping[type, tuple[Callable[..., Any], ...]] = NOBODY) -> None:
        self.by_class = by_class

    def and_(
        self,
        own: Callable[[State], Own],
        reduce: Callable[[Own, More, Environment], tuple[Own, Sequence[Effect]]],
        put: Callable[[State, Own], State],
    ) -> Features[State, Action | More, Effect]:
        """These and one more, which takes what its parameter `action` is annotated with.

        `own` gives its branch of the State, and `put` the State with another in its place.
        """

        @wraps(reduce)
        def feature(state: State, action: More, env: Environment) -> tuple[State, Sequence[Effect]]:
            before = own(state)
            after, asked = reduce(before, action, env)
            return (state if after is before else put(state, after)), asked

        by_class = dict(self.by_class)
        taken = get_type_hints(reduce)["action"]
        for cls in get_args(taken) or (taken,):
            by_class[cls] = (*by_class.get(cls, ()), feature)
        return Features(by_class)

    def of(
        self, action: Action
    ) -> tuple[Callable[[State, Action, Environment], tuple[State, Sequence[Effect]]], ...]:
        """Those that take the action, in the order in which they were added."""
        try:
            return self.by_class[type(action)]
        except KeyError:
            name = type(action).__name__
            hint = "add its feature to FEATURES in app/domain/__init__.py"
            raise LookupError(f"no feature takes {name}: {hint}") from None
