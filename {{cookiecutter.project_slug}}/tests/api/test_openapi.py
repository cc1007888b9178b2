"""What `/docs` shows of the HTTP routes."""

from typing import Any

import httpx
import pytest

from app.bootstrap import create_app
from app.wire.schema import references
from tests.access.keys import SECRET, settings_of
from tests.service import ROOT


@pytest.fixture
def guarded() -> Any:
    """The document of a service that wants tokens."""
    return create_app(settings_of(jwt_secret=SECRET)).openapi()


@pytest.mark.anyio
async def test_it_has_the_name_of_the_project(http: httpx.AsyncClient) -> None:
    document = (await http.get("/openapi.json")).json()

    assert document["info"]["title"] == (ROOT / "app" / "name.txt").read_text().strip()
    assert (await http.get("/openapi.json")).json() == document


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


def test_every_schema_has_a_short_name_and_every_reference_leads_to_one(guarded: Any) -> None:
    schemas = guarded["components"]["schemas"]

    assert set(references(guarded)) <= schemas.keys()
    assert not [name for name in schemas if "__" in name]


def test_the_answers_of_the_features_are_described(guarded: Any) -> None:
    answer = guarded["paths"]["/api/v1/revocations"]["post"]["responses"]["201"]

    assert [*references(answer)] == ["Revocation"]
