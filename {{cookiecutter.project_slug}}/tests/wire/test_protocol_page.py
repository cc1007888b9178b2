"""`docs/protocol.md` is true: its examples can be read, and its tables are those of the code."""

import re
from typing import Any, get_args

import pytest
from pydantic import TypeAdapter
from websockets.frames import CloseCode

from app.api.answers import STATUS
from app.live import closing
from app.wire.protocol import Incoming, Outgoing
from tests.service import ROOT

PAGE = (ROOT / "docs" / "protocol.md").read_text()
SAID = re.findall(r"^ +> (\{.*\})$", PAGE, re.M)
HEARD = re.findall(r"^ +< (\{.*\})$", PAGE, re.M)
BY_ANY_SERVER = {
    CloseCode.PROTOCOL_ERROR,
    CloseCode.ABNORMAL_CLOSURE,
    CloseCode.INVALID_DATA,
    CloseCode.MESSAGE_TOO_BIG,
}


def rows(heading: str) -> list[list[str]]:
    """The cells of the table with this heading."""
    table = PAGE.partition(f"| {heading} |")[2].partition("\n\n")[0]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table.split("\n")[2:]]


def types(union: Any) -> set[str]:
    """The types of the messages of a union."""
    members = get_args(get_args(union)[0])
    return {get_args(each.model_fields["type"].annotation)[0] for each in members}


@pytest.mark.parametrize("example", SAID)
def test_what_a_client_says_can_be_read(example: str) -> None:
    message = TypeAdapter[Any](Incoming).validate_json(example)

    assert message.type in types(Incoming)


@pytest.mark.parametrize("example", HEARD)
def test_what_a_client_hears_is_what_the_service_would_say(example: str) -> None:
    message = TypeAdapter[Any](Outgoing).validate_json(example)

    assert message.type in types(Outgoing)


@pytest.mark.parametrize(("examples", "union"), [(SAID, Incoming), (HEARD, Outgoing)])
def test_every_message_has_an_example(examples: list[str], union: Any) -> None:
    adapter = TypeAdapter[Any](union)
    shown = {adapter.validate_json(example).type for example in examples}

    assert shown == types(union)


def test_every_field_of_a_message_is_explained() -> None:
    for union in Incoming, Outgoing:
        for message in get_args(get_args(union)[0]):
            for field in message.model_fields.keys() - {"type", "action", "token"}:
                assert f"`{field}`" in PAGE, field


def test_every_error_code_stands_with_its_status() -> None:
    told = {code.strip("`"): int(status) for code, status, *_ in rows("code | HTTP")}

    assert told == STATUS


def test_every_close_code_stands_there_and_says_whether_to_come_back() -> None:
    told = {int(code): answer for code, _, answer, _ in rows("code | why")}
    ours = {value for name, value in vars(closing).items() if name.isupper()}

    assert told.keys() == ours | BY_ANY_SERVER
    assert {code for code, answer in told.items() if answer == "no"} == {
        code for code in told if code >= 4500
    }
