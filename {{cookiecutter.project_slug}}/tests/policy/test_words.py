"""What is refused is refused at both doors with the same code, in the same words."""

import json
import re
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed

from app.api.answers import STATUS
from app.core.rejected import Code
from tests.policy.people import PEOPLE, REVOKE, World, command, say, without_id
from tests.policy.story import TABLES
from tests.policy.table import Try

Make = Callable[[World], Try]

LARGEST = 64 * 1024
JSON = {"Content-Type": "application/json"}

REFUSED = [
    pytest.param(table.tries[name], row[person], person, id=f"{name}-{person}")
    for table in TABLES
    for name, row in table.commands.items()
    for person in PEOPLE
    if row[person] != "done"
]
DONE = [
    pytest.param(table.tries[name], name in table.once, person, id=f"{name}-{person}")
    for table in TABLES
    for name, row in table.commands.items()
    for person in PEOPLE
    if row[person] == "done"
]
# Whatever is wrong with it, it is no JSON (RFC 8259).
NO_JSON = {
    "nothing": "",
    "a space": " ",
    "an object that does not end": "{",
    "a key without a value": '{"a":}',
    "a key without quotes": "{a: 1}",
    "quotes of another kind": "{'a': 1}",
    "a comma too many": "[1,]",
    "more than one value": '{"a":1}}',
    "a word": "nope",
    "a word that is a value elsewhere": "undefined",
    "a character that is none": "\x00",
    "a line break in a string": '"a\nb"',
    "half a character": '"\\ud800"',
    "a number that no computer has": "9" * 5000,
    "brackets and nothing in them": "[" * 60_000,
}


def answers(world: World, person: str, tried: Try, id: str | None = None) -> list[Any]:
    """What somebody is answered at every door; over HTTP with the status of the code."""
    named = {} if id is None else {"Idempotency-Key": id}
    with world.socket(person) as ws:
        by_socket = command(ws, tried.action, id)
    posted = [world.post(person, "/commands", tried.action, **named)]
    if tried.path is not None:
        posted.append(world.post(person, tried.path, tried.body, **named))
    for answer in posted:
        body = answer.json()
        assert answer.status_code == STATUS[body["code"]] if "code" in body else answer.is_success
    return [without_id(each) for each in (by_socket, *(answer.json() for answer in posted))]


@pytest.mark.parametrize(("make", "code", "person"), REFUSED)
def test_a_command_is_refused_in_the_same_words_at_every_door(
    world: World, make: Make, code: str, person: str
) -> None:
    tried = make(world)
    first, *others = answers(world, person, tried)

    assert first["code"] == code
    assert first["message"]
    if code == Code.FORBIDDEN:
        (name,) = action if isinstance(action := tried.action, dict) else (action,)
        assert first["message"] == f"{person} ({PEOPLE[person]}) may not send this {name}"
    assert others == [first] * len(others)


@pytest.mark.parametrize(("make", "once", "person"), DONE)
def test_what_can_be_done_once_is_refused_in_the_same_words_the_second_time(
    world: World, make: Make, once: bool, person: str
) -> None:
    tried = make(world)
    assert "code" not in world.post(person, "/commands", tried.action).json()

    first, *others = answers(world, person, tried)

    if once:
        assert first["code"] == Code.CONFLICT
        assert others == [first] * len(others)
    else:
        assert not [answer for answer in (first, *others) if "code" in answer]


def test_an_id_that_another_command_had_is_refused_in_the_same_words(world: World) -> None:
    given = world.new("id")
    first = {"RevokeTokens": {"user_id": "somebody else"}}
    world.post("olga", "/commands", first, **{"Idempotency-Key": given})

    refused, *others = answers(world, "olga", Try(REVOKE), given)

    assert refused["code"] == Code.ID_REUSED
    assert others == [refused]


@pytest.mark.parametrize(
    "action",
    [
        {"Nonsense": {}},
        {},
        {"type": "command", "action": REVOKE},
        {"RevokeTokens": {"user_id": "a"}, "Nonsense": {}},
        {"RevokeTokens": {}},
        {"RevokeTokens": {"user_id": 7}},
        {"RevokeTokens": {"user_id": "a", "why": "so"}},
        "RevokeTokens",
        7,
        [],
    ],
)
def test_what_is_no_command_is_refused_in_the_same_words(world: World, action: Any) -> None:
    by_socket, by_http = answers(world, "olga", Try(action))

    assert by_socket["code"] == Code.INVALID
    assert by_http == by_socket


@pytest.mark.parametrize("what", NO_JSON)
def test_what_is_no_json_is_refused_in_the_same_words(world: World, what: str) -> None:
    text = NO_JSON[what]
    with world.socket("olga") as ws:
        by_socket = say(ws, text)

    assert by_socket["code"] == Code.INVALID
    assert by_socket["message"].startswith("Invalid JSON format: ")
    for path in with_a_body(world):
        answer = world.send("olga", path, text, **JSON)
        assert (answer.status_code, answer.json()) == (422, by_socket), path


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "", "nonsense"]
)
def test_what_is_not_sent_as_json_is_refused_in_one_way(world: World, kind: str) -> None:
    for path in with_a_body(world):
        answer = world.send("olga", path, json.dumps(REVOKE), **{"Content-Type": kind})
        assert answer.status_code == 422
        assert answer.json()["message"] == "Invalid JSON format: send it as application/json", path


def with_a_body(world: World) -> list[str]:
    """The address of every route that takes one."""
    routes = world.routes("post").items()
    return [re.sub(r"{\w+}", "x", path) for path, route in routes if "requestBody" in route]


def test_what_is_too_large_is_not_read_at_either_door(world: World) -> None:
    """A frame that is too long is not read to its end: there is nobody left to send an error to."""
    large = json.dumps(REVOKE).ljust(LARGEST + 1)
    with world.socket("olga") as ws:
        ws.send(large)
        with suppress(ConnectionClosed):
            while True:  # what happens meanwhile is heard as well
                ws.recv(timeout=10)
        code = ws.close_code
    by_http = world.send("olga", "/commands", large, **JSON)
    just_so = world.send("olga", "/commands", large[:-1], **JSON)

    assert code == 1009
    assert (by_http.status_code, by_http.json()["code"]) == (413, Code.TOO_LARGE)
    assert just_so.status_code == 200
