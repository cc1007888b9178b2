"""The features are put together: nothing of any of them is forgotten."""

from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any, Never, get_args, get_type_hints

import pytest

from app import domain
from app.domain import (
    EPHEMERAL,
    FEATURES,
    TOPICS,
    VIEWS,
    ClientCommand,
    Command,
    Event,
    State,
    Task,
)

FOLDER = Path(domain.__file__).parent
NAMES = sorted(path.parent.name for path in FOLDER.glob("*/reducer.py"))


def classes(union: Any) -> set[type]:
    """The classes of a union, or of the one class that it comes to."""
    return set(get_args(union) or (union,)) - {Never}


def owner(what: type | Callable[..., object]) -> str:
    """The feature that a class or a reducer belongs to."""
    return what.__module__.split(".")[2]


def test_every_feature_has_a_branch_of_the_state_and_a_topic() -> None:
    assert sorted(State._fields) == NAMES
    assert sorted(VIEWS) == NAMES
    assert TOPICS - VIEWS.keys() <= EPHEMERAL.keys(), "what is stored on a topic has a view"


@pytest.mark.parametrize("name", NAMES)
def test_every_action_of_a_feature_is_one_of_the_service(name: str) -> None:
    reduce: Callable[..., object] = import_module(f"app.domain.{name}.reducer").reduce

    taken = classes(get_type_hints(reduce)["action"])

    assert taken <= classes(Command) | classes(Event)


def test_every_command_is_decided_by_the_feature_that_it_belongs_to_alone() -> None:
    for command in classes(Command):
        (feature,) = FEATURES.by_class[command]
        assert owner(feature) == owner(command)


def test_every_event_is_applied_by_its_own_feature_too() -> None:
    for event in classes(Event):
        assert owner(event) in map(owner, FEATURES.by_class[event])


def test_no_two_of_commands_events_and_tasks_have_the_same_name() -> None:
    named = [cls.__name__ for union in (Command, Event, Task) for cls in classes(union)]

    assert len(named) == len(set(named)), "an upcaster is found by the name alone"


def test_clients_send_no_command_of_the_service() -> None:
    assert classes(ClientCommand) <= classes(Command)
    assert not classes(Command) & classes(Event)


def test_every_task_is_known() -> None:
    tasks = {
        value
        for path in FOLDER.glob("*/tasks.py")
        for value in vars(import_module(f"app.domain.{path.parent.name}.tasks")).values()
        if isinstance(value, type) and value.__module__.endswith(".tasks")
    }

    assert tasks == classes(Task)
