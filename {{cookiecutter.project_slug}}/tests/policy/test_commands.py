"""Every command, sent by everybody through every door: done, or refused as the tables say."""

import json
from collections.abc import Callable
from typing import Any, TypeAlias

import pytest

from app.access.gate import require_may_send
from app.core.principal import SYSTEM
from app.core.rejected import Rejected
from app.domain import State
from app.wire import codec
from tests.policy import operation
from tests.policy.people import PEOPLE, World, command
from tests.policy.story import TABLES
from tests.policy.table import Try, rows

CELLS = [
    pytest.param(table.tries[name], row[person], person, id=f"{name}-{person}")
    for table in TABLES
    for name, row in table.commands.items()
    for person in PEOPLE
]
SYSTEM_CELLS = [
    pytest.param(table.tries[name], row["system"], id=name)
    for table in TABLES
    for name, row in table.commands.items()
]
REQUESTS = [
    (path, person, row[person])
    for path, row in rows(operation.REQUESTS, PEOPLE).items()
    for person in PEOPLE
]

Make: TypeAlias = Callable[[World], Try]


def by_socket(world: World, person: str, tried: Try) -> Any:
    with world.socket(person) as socket:
        return command(socket, tried.action)


def by_commands(world: World, person: str, tried: Try) -> Any:
    return world.post(person, "/commands", tried.action).json()


def by_own_route(world: World, person: str, tried: Try) -> Any:
    """Not every command has one."""
    if tried.path is None:
        return by_commands(world, person, tried)
    return world.post(person, tried.path, tried.body).json()


def outcome(answer: Any) -> str:
    """`done`, or why not."""
    return str(answer["code"]) if answer.get("type") == "error" else "done"


@pytest.mark.parametrize("send", [by_socket, by_commands, by_own_route])
@pytest.mark.parametrize(("make", "expected", "person"), CELLS)
def test_a_command_is_for_whom_the_table_says(
    world: World,
    make: Make,
    expected: str,
    person: str,
    send: Callable[[World, str, Try], Any],
) -> None:
    answer = send(world, person, make(world))

    assert outcome(answer) == expected, answer


@pytest.mark.parametrize(("make", "expected"), SYSTEM_CELLS)
def test_the_service_itself_may_send_what_the_table_says(
    world: World, make: Make, expected: str
) -> None:
    sent = codec.decode_command(json.dumps(make(world).action))
    if expected == "done":
        require_may_send(SYSTEM, sent, State())
        return
    with pytest.raises(Rejected) as refusal:
        require_may_send(SYSTEM, sent, State())

    assert refusal.value.code == expected


@pytest.mark.parametrize(("path", "person", "expected"), REQUESTS)
def test_what_has_failed_is_seen_to_by_whom_the_table_says(
    world: World, path: str, person: str, expected: str
) -> None:
    assert outcome(world.post(person, path, None).json()) == expected


@pytest.mark.parametrize("door", ["socket", "commands"])
def test_nobody_can_pass_for_the_service(world: World, door: str) -> None:
    table = next(table for table in TABLES if table.commands)
    name = next(iter(table.commands))
    tried = table.tries[name](world)._replace(path=None)
    asked = {"user": "system", "role": "system"}

    if door == "socket":
        with world.socket("nobody", **asked) as socket:
            answer = command(socket, tried.action)
    else:
        headers = {f"X-{key}": value for key, value in asked.items()}
        answer = world.post("nobody", "/commands", tried.action, **headers).json()

    assert outcome(answer) == "unauthenticated"
