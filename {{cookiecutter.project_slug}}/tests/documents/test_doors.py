"""Documents at both doors."""

import asyncio
import json
from typing import Any

import httpx
import pytest
from websockets.asyncio.client import ClientConnection, connect

from tests.service import Service

pytestmark = pytest.mark.anyio

HELLO = [{"op": "insert", "at": 0, "text": "hello"}]
EDIT = {"base_version": 0, "changes": HELLO}


async def test_a_document_is_edited_and_read_over_http(http: httpx.AsyncClient) -> None:
    unborn = await http.get("/api/v1/documents/notes")
    first = await http.post("/api/v1/documents/notes/edits", json=EDIT)
    more = {"base_version": 1, "changes": [{"op": "delete", "at": 1, "count": 3}]}
    second = await http.post("/api/v1/documents/notes/edits", json=more)
    read = await http.get("/api/v1/documents/notes")
    again = await http.get(
        "/api/v1/documents/notes", headers={"If-None-Match": read.headers["etag"]}
    )

    assert (unborn.status_code, unborn.json()) == (
        200,
        {"doc_id": "notes", "version": 0, "text": ""},
    )
    assert first.status_code == 200
    assert first.json() == {
        "doc_id": "notes",
        "changes": HELLO,
        "user_id": "anonymous",
        "version": 1,
    }
    assert second.json()["version"] == 2
    assert read.json() == {"doc_id": "notes", "version": 2, "text": "ho"}
    assert (again.status_code, again.content) == (304, b"")


async def test_documents_are_listed_page_by_page(http: httpx.AsyncClient) -> None:
    for name in "cab":
        await http.post(f"/api/v1/documents/{name}/edits", json=EDIT)

    first = (await http.get("/api/v1/documents?limit=2")).json()
    second = (await http.get(f"/api/v1/documents?limit=2&after={first['next']}")).json()

    assert first["items"] == [{"doc_id": "c", "version": 1}, {"doc_id": "a", "version": 1}]
    assert second == {"items": [{"doc_id": "b", "version": 1}], "next": None}


@pytest.mark.parametrize(
    ("edit", "status", "message"),
    [
        ({**EDIT, "base_version": 3}, 409, "document notes is at version 0, not 3"),
        (
            {"base_version": 0, "changes": [{"op": "delete", "at": 0, "count": 1}]},
            422,
            "changes[0]: position 1 is outside of the text, which has 0 characters there",
        ),
        (
            {"base_version": 0, "changes": [{"op": "replace", "at": 0}]},
            422,
            "Invalid action format: field 'changes[0]': op should be 'insert' or 'delete'",
        ),
        ({"changes": HELLO}, 422, "Invalid action format: missing required field 'base_version'"),
    ],
)
async def test_an_edit_that_is_refused_is_refused_in_the_same_words_at_every_door(
    http: httpx.AsyncClient, edit: dict[str, Any], status: int, message: str
) -> None:
    posted = await http.post("/api/v1/documents/notes/edits", json=edit)
    command = {"EditDocument": {"doc_id": "notes", **edit}}
    commanded = await http.post("/api/v1/commands", json=command)

    assert (posted.status_code, posted.json()["message"]) == (status, message)
    assert commanded.json() == posted.json()


@pytest.mark.parametrize("changes", [[], HELLO * 101])
async def test_an_edit_has_1_to_100_changes(http: httpx.AsyncClient, changes: list[Any]) -> None:
    edit = {"base_version": 0, "changes": changes}

    answer = await http.post("/api/v1/documents/notes/edits", json=edit)

    assert (answer.status_code, answer.json()["fields"][0]["loc"]) == (422, "changes")


async def test_others_hear_an_edit_and_a_stale_one_is_its_senders_alone(service: Service) -> None:
    async with connect(f"{service.ws}/ws") as alice, connect(f"{service.ws}/ws") as bob:
        await edit(alice)
        heard = [await hear(alice), await hear(bob)]
        await edit(alice)
        refused = await hear(alice)
        await bob.send('{"type":"ping"}')

        assert await hear(bob) == {"type": "pong"}, "a refusal is its sender's alone"

    assert heard[0] == heard[1]
    assert heard[0]["action"]["DocumentUpdated"]["version"] == 1
    assert (refused["code"], refused["message"]) == (
        "conflict",
        "document notes is at version 1, not 0",
    )


async def edit(ws: ClientConnection) -> None:
    action = {"EditDocument": {"doc_id": "notes", **EDIT}}
    await ws.send(json.dumps({"type": "command", "action": action}))


async def hear(ws: ClientConnection) -> Any:
    return json.loads(await asyncio.wait_for(ws.recv(), 10))
