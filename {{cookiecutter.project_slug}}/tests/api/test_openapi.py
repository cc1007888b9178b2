"""What `/docs` shows of the HTTP routes."""

from random import Random
from typing import Any

import httpx
import pytest
from fastapi import Response
from fastapi.responses import JSONResponse

from app.bootstrap import create_app
from app.core.principal import Principal, Role
from app.domain import State
from app.wire import codec
from app.wire.schema import references
from tests.access.keys import SECRET, settings_of
from tests.described import client_of, document
from tests.service import ROOT
from tests.simulation.features import FEATURES

OPERATIONS = {
    f"{method} {path}": operation
    for path, found in document()["paths"].items()
    for method, operation in found.items()
}
ADA, OLGA = Principal("ada", Role.CUSTOMER), Principal("olga", Role.OPERATOR)


@pytest.fixture
def guarded() -> Any:
    """The document of a service that wants tokens."""
    return create_app(settings_of(jwt_secret=SECRET)).openapi()


@pytest.mark.anyio
async def test_it_has_the_name_of_the_project(http: httpx.AsyncClient) -> None:
    document = (await http.get("/openapi.json")).json()

    assert document["info"]["title"] == (ROOT / "app" / "name.txt").read_text().strip()
    assert (await http.get("/openapi.json")).json() == document


def test_it_is_made_once() -> None:
    app = create_app(settings_of())

    assert app.openapi() is app.openapi()


def test_where_tokens_are_needed_it_says_how_to_send_one(guarded: Any) -> None:
    schemes = guarded["components"]["securitySchemes"]
    operations = [
        (path, operation)
        for path, found in guarded["paths"].items()
        for operation in found.values()
    ]

    assert schemes["bearer"]["scheme"] == "bearer"
    for path, operation in operations:
        assert ("security" in operation) == path.startswith("/api/v1/")


@pytest.mark.anyio
async def test_where_none_are_it_does_not(http: httpx.AsyncClient) -> None:
    assert "security" not in (await http.get("/openapi.json")).text


def test_what_may_be_unchanged_says_how_to_ask_whether_it_is(guarded: Any) -> None:
    snapshot = guarded["paths"]["/api/v1/snapshot"]["get"]
    command = guarded["paths"]["/api/v1/commands"]["post"]

    assert "If-None-Match" in [each["name"] for each in snapshot["parameters"]]
    assert "content" not in snapshot["responses"]["304"]
    assert "304" not in command["responses"]


def test_every_schema_has_a_short_name_and_every_reference_leads_to_one(guarded: Any) -> None:
    schemas = guarded["components"]["schemas"]

    assert set(references(guarded)) <= schemas.keys()
    assert not [name for name in schemas if "__" in name]


def test_no_two_schemas_have_one_title_since_generators_make_classes_of_them(guarded: Any) -> None:
    assert all(schema["title"] == name for name, schema in guarded["components"]["schemas"].items())


def test_a_generated_client_calls_each_operation_by_a_short_name_of_its_own() -> None:
    names = [operation["operationId"] for operation in OPERATIONS.values()]

    assert len({*names}) == len(names)
    assert "snapshot" in names


def test_a_body_is_described_in_words_of_the_version_that_is_declared(guarded: Any) -> None:
    """OpenAPI 3.1, Media Type Object; FastAPI's own streams have an `itemSchema`, of 3.2."""
    assert guarded["openapi"].startswith("3.1.")
    for name, operation in OPERATIONS.items():
        for answer in operation["responses"].values():
            for media in answer.get("content", {}).values():
                assert media.keys() <= {"schema", "example", "examples", "encoding"}, name


@pytest.mark.parametrize("name", OPERATIONS)
def test_every_operation_says_what_it_answers(name: str) -> None:
    answers = {
        status: answer.get("content", {})
        for status, answer in OPERATIONS[name]["responses"].items()
        if status.startswith("2")
    }

    assert answers
    for status, content in answers.items():
        assert bool(content) == (status != "204")
        assert all(told["schema"] for told in content.values())


@pytest.mark.anyio
async def test_what_every_service_answers_is_as_it_is_described(http: httpx.AsyncClient) -> None:
    chance = Random(7)  # noqa: S311 - chosen, not secret
    for feature in [*FEATURES] * 3:
        for by in ADA, OLGA:
            action = codec.encode_command(feature.command(chance, State(), by))
            headers = {"X-User": by.name, "X-Role": by.role, "Content-Type": "application/json"}
            headers["Idempotency-Key"] = str(chance.random())
            for _ in range(2):
                await http.post("/api/v1/commands", content=action, headers=headers)
    end = (await http.get("/health/ready")).json()["seq"]
    paths = ["/health", "/api/v1/dead-letters", "/api/v1/revocations", "/api/v1/snapshot"]
    paths += ["/api/v1/snapshot?topics=revocation", "/api/v1/log?limit=500", "/api/v1/log/1/test"]
    paths += [f"/api/v1/log/{position}/state" for position in range(end)]

    answers = [await http.get(path) for path in paths]

    assert end > 0
    assert {answer.status_code for answer in answers} == {200}  # the client looks at the bodies


@pytest.mark.anyio
async def test_a_service_that_has_stopped_says_so_as_it_is_described() -> None:
    app = create_app(settings_of())
    async with client_of(app) as http:
        async with app.router.lifespan_context(app):
            pass
        answer = await http.get("/health/ready")

    assert (answer.status_code, answer.json()["status"]) == (503, "stopping")


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("path", "answer"),
    [
        ("/health", Response()),
        ("/health", JSONResponse("ok")),
        ("/health/ready", JSONResponse({"status": "ready", "seq": 0, "epoch": "a"}, 202)),
        ("/health/ready", JSONResponse({"status": "ready", "seq": 0})),
        ("/health/ready", JSONResponse({"status": "ready", "seq": 0, "epoch": "a", "more": 1})),
        ("/api/v1/dead-letters", JSONResponse({"items": [{"origin": "1.0"}], "next": None})),
        ("/api/v1/snapshot", JSONResponse({"epoch": "a", "seq": 0, "state": {"weather": []}})),
        ("/api/v1/snapshot", JSONResponse({"epoch": "a", "seq": 0, "state": {"revocation": [1]}})),
    ],
)
async def test_an_answer_that_is_otherwise_is_noticed(path: str, answer: Response) -> None:
    async with client_of(answer) as http:
        with pytest.raises((AssertionError, ExceptionGroup)):
            await http.get(path)


def test_the_answers_of_the_features_are_described(guarded: Any) -> None:
    answer = guarded["paths"]["/api/v1/revocations"]["post"]["responses"]["201"]

    assert [*references(answer)] == ["Revocation"]
