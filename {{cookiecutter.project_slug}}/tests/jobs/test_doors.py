"""Batches at both doors."""

import asyncio
import json
from typing import Any

import httpx
import pytest
from websockets.asyncio.client import ClientConnection, connect

from tests.service import Service

pytestmark = pytest.mark.anyio

LARGE = 100_000


async def test_a_batch_is_started_and_read_over_http(http: httpx.AsyncClient) -> None:
    answer = await http.post("/api/v1/jobs", json={"total_items": LARGE})
    batch_id = answer.json()["batch_id"]

    read = await http.get(answer.headers["location"])
    await http.post(f"/api/v1/jobs/{batch_id}/cancel")

    assert (answer.status_code, answer.json()["total_items"]) == (201, LARGE)
    assert answer.headers["location"] == f"/api/v1/jobs/{batch_id}"
    assert answer.headers["etag"].startswith('"')
    batch = read.json()
    assert (read.status_code, batch["batch_id"], batch["total"]) == (200, batch_id, LARGE)
    assert (batch["status"], batch["number"]) == ("running", 1)


async def test_batches_are_listed_page_by_page(http: httpx.AsyncClient) -> None:
    for name in "cab":
        await http.post("/api/v1/jobs", json={"total_items": 1, "batch_id": name})

    first = (await http.get("/api/v1/jobs?limit=2")).json()
    second = (await http.get(f"/api/v1/jobs?limit=2&after={first['next']}")).json()

    assert [batch["batch_id"] for batch in first["items"]] == ["c", "a"]
    assert [batch["batch_id"] for batch in second["items"]] == ["b"]
    assert second["next"] is None


async def test_a_batch_is_cancelled_once(http: httpx.AsyncClient) -> None:
    await http.post("/api/v1/jobs", json={"total_items": LARGE, "batch_id": "b"})

    cancelled = await http.post("/api/v1/jobs/b/cancel")
    twice = await http.post("/api/v1/jobs/b/cancel")

    assert (cancelled.status_code, cancelled.json()) == (200, {"batch_id": "b"})
    assert (twice.status_code, twice.json()["code"]) == (409, "conflict")
    assert twice.json()["message"] == "batch b is cancelled, not running"
    assert (await http.get("/api/v1/jobs/b")).json()["status"] == "cancelled"


async def test_what_does_not_fit_is_refused(http: httpx.AsyncClient) -> None:
    await http.post("/api/v1/jobs", json={"total_items": 1, "batch_id": "b"})

    again = await http.post("/api/v1/jobs", json={"total_items": 1, "batch_id": "b"})
    empty = await http.post("/api/v1/jobs", json={"total_items": 0})
    large = await http.post("/api/v1/jobs", json={"total_items": LARGE + 1})
    unknown = [await http.get("/api/v1/jobs/x"), await http.post("/api/v1/jobs/x/cancel")]
    report = {"RecordProgress": {"batch_id": "b", "succeeded": 1, "failed": 0}}
    forged = await http.post("/api/v1/commands", json=report)

    assert (again.status_code, again.json()["message"]) == (409, "batch b already exists")
    assert [each.json()["fields"][0]["loc"] for each in (empty, large)] == ["total_items"] * 2
    assert [each.status_code for each in unknown] == [404, 404]
    assert {each.json()["message"] for each in unknown} == {"batch x does not exist"}
    assert "unknown action 'RecordProgress'" in forged.json()["message"]


async def test_a_batch_is_followed_on_the_socket_to_its_end(service: Service) -> None:
    async with connect(f"{service.ws}/ws") as ws:
        action = {"StartBatch": {"total_items": 1000, "batch_id": "b"}}
        await ws.send(json.dumps({"type": "command", "action": action}))
        started = await hear(ws)
        progress: list[Any] = []
        while "BatchProcessCompleted" not in (latest := await hear(ws)):
            progress.append(latest["BatchProcessProgress"])

    completed = latest["BatchProcessCompleted"]
    processed = [each["processed"] for each in progress]
    assert started == {"BatchProcessStarted": {"batch_id": "b", "total_items": 1000}}
    assert len(processed) >= 3
    assert processed == sorted(set(processed))
    assert (processed[-1], {each["total"] for each in progress}) == (1000, {1000})
    assert completed["succeeded"] + completed["failed"] == 1000


async def test_a_batch_that_was_interrupted_is_finished_after_the_restart(
    service: Service,
) -> None:
    async with httpx.AsyncClient(base_url=service.url) as client, connect(f"{service.ws}/ws") as ws:
        await client.post("/api/v1/jobs", json={"total_items": 1000, "batch_id": "b"})
        while "BatchProcessProgress" not in await hear(ws):
            pass
        service.kill()

    service.start()
    async with connect(f"{service.ws}/ws") as ws, httpx.AsyncClient(base_url=service.url) as client:
        batch = (await client.get("/api/v1/jobs/b")).json()
        while batch["status"] == "running" and "BatchProcessCompleted" not in await hear(ws):
            pass
        batch = (await client.get("/api/v1/jobs/b")).json()

    assert batch["status"] == "completed"
    assert (batch["processed"], batch["succeeded"] + batch["failed"]) == (1000, 1000)


async def hear(ws: ClientConnection) -> Any:
    """The action of the next event, which does not take long to come."""
    return json.loads(await asyncio.wait_for(ws.recv(), 30))["action"]
