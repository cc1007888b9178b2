"""What `python -m app schema` prints is true of what is read and written."""

import inspect
import json
import subprocess
import sys
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

import httpx
import pytest
from annotated_types import Len
from pydantic import TypeAdapter
from rpds import HashTrieMap

from app import domain
from app.access.principal import identity_of_handshake
from app.api.asyncapi import OPERATIONS, QUERY, asyncapi
from app.bootstrap import create_app
from app.cli import main, schema
from app.core.principal import Role
from app.live import socket
from app.settings import Settings
from app.wire import codec
from app.wire.protocol import Outgoing
from app.wire.schema import AT, FROM_CLIENT, FROM_SERVER, json_schema, reached, schemas
from app.wire.typescript import declarations
from app.wire.views import kind_of
from tests.service import ROOT, Service

pytestmark = pytest.mark.anyio

DOCUMENT = asyncapi("service.example:3000", "wss")
MESSAGES = DOCUMENT["components"]["messages"]
OUTGOING = TypeAdapter[Any](Outgoing)
FROM_US = {"event", "subscribed", "ack", "error", "ping", "pong"}


def examples(*kinds: str) -> list[Any]:
    """The examples of these messages."""
    return [example["payload"] for kind in kinds for example in MESSAGES[kind]["examples"]]


def printed(language: str) -> bytes:
    """What the command line prints, in a process of its own."""
    command = [sys.executable, "-m", "app", "schema", language]
    return subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout  # noqa: S603


def test_what_is_printed_can_be_written_to_a_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "protocol.d.ts"

    assert main(["schema", "typescript", "--output", str(file)]) == 0
    assert file.read_text("utf-8") == declarations(schemas())

    assert main(["schema", "typescript", "--output", str(tmp_path)]) == 1
    told = capsys.readouterr()
    assert told.out == ""
    assert "cannot print the schema" in told.err
    assert str(tmp_path) in told.err


# Where a type has a Predicate of yours, say in it how it looks: `app/core/example.py`.
@pytest.mark.parametrize("example", examples("command", "subscribe", "auth", "ping", "pong"))
def test_an_example_of_what_a_client_says_can_be_read(example: Any) -> None:
    assert codec.decode_message(json.dumps(example)).type == example["type"]


@pytest.mark.parametrize("example", examples(*sorted(FROM_US)))
def test_an_example_of_what_a_client_hears_is_what_the_service_would_say(example: Any) -> None:
    assert OUTGOING.validate_json(json.dumps(example)).type == example["type"]


def test_every_command_and_every_event_has_an_example_and_a_schema() -> None:
    for kind, union in ("command", domain.ClientCommand), ("event", domain.Event):
        names = {cls.__name__ for cls in get_args(union) or (union,)}
        actions = [example["action"] for example in examples(kind)]

        assert {
            action if isinstance(action, str) else next(iter(action)) for action in actions
        } == (names)
        assert names <= schemas().keys() | {each for each in actions if isinstance(each, str)}


def test_what_only_the_service_may_ask_for_is_not_told() -> None:
    client, every = (set(get_args(union)) for union in (domain.ClientCommand, domain.Command))

    assert not {cls.__name__ for cls in every - client} & schemas().keys()


def test_every_reference_leads_somewhere() -> None:
    document = json_schema()
    for name in document["$defs"]:
        assert reached(name, document["$defs"]) <= document["$defs"].keys()
    assert f'"{AT}' not in json.dumps(DOCUMENT)


def test_every_message_has_its_operation_or_is_an_answer() -> None:
    said = {kind for kind, *_ in OPERATIONS} | {
        each for *_, answers in OPERATIONS for each in answers
    }

    assert said == MESSAGES.keys()
    assert set(DOCUMENT["channels"]["live"]["messages"]) == said


def test_the_address_is_described_as_it_is_read() -> None:
    source = inspect.getsource(inspect.getmodule(identity_of_handshake))  # type: ignore[arg-type]

    assert {*socket.QUERY} == QUERY.keys() - {"user", "role"}
    assert '"user"' in source
    assert '"role"' in source


def test_a_client_must_say_no_more_and_the_service_may() -> None:
    found = schemas()

    assert all(
        not found[n].get("additionalProperties", True) for n in reached("PingMessage", found)
    )
    assert "additionalProperties" not in found["AckMessage"]
    assert reached(FROM_CLIENT, found) & reached(FROM_SERVER, found) >= {"PingMessage"}


@pytest.mark.parametrize("language", ["jsonschema", "typescript", "asyncapi"])
def test_the_same_code_prints_the_same(language: str) -> None:
    first, second = (printed(language) for _ in range(2))

    assert len(first) > 1000
    assert first == second
    assert first.endswith(b"\n")


def test_what_has_no_typescript_is_refused_in_words() -> None:
    with pytest.raises(ValueError, match="no TypeScript is known for patternProperties"):
        declarations({"Odd": {"type": "object", "patternProperties": {}}})


@pytest.mark.parametrize(
    ("kind", "printed"),
    [
        (Mapping[str, int], "Record<string, number>"),
        (Mapping[Annotated[str, Len(1, 64)], int], "Record<string, number>"),
        (Mapping[date, int], "Record<string, number>"),
        (Annotated[Mapping[str, int], Len(1, 9)], "Record<string, number>"),
        (Mapping[Role, int], "Partial<Record<Role, number>>"),
        (Mapping[Literal["a", "b"], str], 'Partial<Record<"a" | "b", string>>'),
    ],
)
def test_a_map_has_keys_of_whatever_kind(kind: Any, printed: str) -> None:
    found = TypeAdapter(kind).json_schema()
    found.pop("$defs", None)  # of types that have declarations of their own

    assert declarations({"Found": found}).endswith(f"export type Found = {printed};\n")


def test_a_schema_that_cannot_be_printed_is_refused_in_words(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    odd = {"type": "object", "patternProperties": {}}
    monkeypatch.setattr(schema, "schemas", lambda: {"Odd": odd})

    assert main(["schema", "typescript"]) == 1

    told = capsys.readouterr()
    words = f"Odd: no TypeScript is known for patternProperties in {odd}"
    assert (told.out, told.err) == ("", f"cannot print the schema: {words}\n")


async def test_every_view_of_the_state_has_the_type_that_is_described(
    http: httpx.AsyncClient,
) -> None:
    state = (await http.get("/api/v1/snapshot")).json()["state"]
    described = schemas()["Snapshot"]["properties"]["state"]["properties"]

    assert described.keys() == domain.VIEWS.keys()
    for name, view in state.items():
        kind = "array" if isinstance(view, list) else "object"
        assert described[name].get("type", "object") == kind


def test_a_view_whose_type_has_no_schema_may_be_anything() -> None:
    def read_late() -> "HashTrieMap[str, int]":  # Python cannot: it takes no types in brackets
        return HashTrieMap()

    def plain() -> HashTrieMap:  # type: ignore[type-arg]
        return HashTrieMap()

    def told() -> list[int]:
        return []

    assert kind_of(None) is kind_of(read_late) is kind_of(plain) is Any
    assert kind_of(told) == list[int]


async def test_the_document_names_the_host_that_was_asked(http: httpx.AsyncClient) -> None:
    answer = await http.get("/asyncapi.json", headers={"Host": "[::1]:8443"})

    assert answer.json()["servers"]["service"]["host"] == "[::1]:8443"
    assert (await http.get("/docs/ws")).status_code == 200


def test_what_is_said_is_described_once_for_every_host() -> None:
    another = asyncapi("other.example", "ws")

    assert another["components"] is DOCUMENT["components"]
    assert another["servers"] != DOCUMENT["servers"]


async def test_where_the_docs_are_switched_off_these_are_too() -> None:
    app = create_app(Settings(event_log="memory://", _env_file=None))  # type: ignore[call-arg]
    app.docs_url = None
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        for path in "/asyncapi.json", "/docs/ws":
            assert (await client.get(path)).status_code == 404


def test_the_command_line_says_what_the_service_serves(shared_service: Service) -> None:
    served = httpx.get(f"{shared_service.url}/asyncapi.json").json()

    assert {**served, "servers": None} == {**json.loads(printed("asyncapi")), "servers": None}


def test_the_load_scripts_send_a_command_that_there_is() -> None:
    action = json.loads(Path(ROOT, "load", "command.json").read_text())
    message = codec.decode_message(json.dumps({"type": "command", "action": action}))

    assert message.type == "command"
