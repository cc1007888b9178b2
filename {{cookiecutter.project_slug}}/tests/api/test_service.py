"""What every service answers, whatever its features."""

import asyncio
from datetime import timedelta
from pathlib import Path
from secrets import token_hex

import httpx
import pytest

from app.settings import Settings
from tests.service import Service

pytestmark = pytest.mark.anyio


async def test_the_service_is_healthy_and_ready(http: httpx.AsyncClient) -> None:
    health, ready = await http.get("/health"), await http.get("/health/ready")

    assert (health.status_code, health.text) == (200, "ok")
    assert (ready.status_code, ready.json()["status"]) == (200, "ready")


async def test_a_snapshot_has_its_place_in_the_log_and_a_tag(http: httpx.AsyncClient) -> None:
    snapshot = await http.get("/api/v1/snapshot")
    again = await http.get("/api/v1/snapshot", headers={"If-None-Match": snapshot.headers["etag"]})

    assert snapshot.json()["seq"] == 0
    assert snapshot.json()["epoch"] in snapshot.headers["etag"]
    assert again.status_code == 304


async def test_a_page_of_another_origin_asks_and_is_told_and_nothing_is_sent_twice(
    shared_service: Service,
) -> None:
    """On one real connection: what came after the head of a 304 would be in the next answer."""
    page = {"Origin": "http://localhost:5173"}
    asks = {
        "Access-Control-Request-Method": "GET",
        "Access-Control-Request-Headers": "authorization,if-none-match,traceparent,tracestate",
    }
    url = "/api/v1/snapshot?topics=revocation"
    async with httpx.AsyncClient(base_url=shared_service.url, headers=page) as client:
        asked = await client.options(url, headers=asks)
        foreign = await client.options(url, headers={**asks, "Origin": "https://evil.example"})
        again = await client.get(url)
        async with asyncio.timeout(30):
            while again.status_code == 200:  # as long as anything happens
                read = again
                again = await client.get(url, headers={"If-None-Match": read.headers["etag"]})
        health = await client.get("/health")

    assert (asked.status_code, foreign.status_code) == (200, 400)
    allowed = asked.headers["access-control-allow-headers"].lower().split(", ")
    assert {"authorization", "if-none-match", "traceparent", "tracestate"} <= {*allowed}
    assert (again.status_code, again.content, health.text) == (304, b"", "ok")
    assert again.headers["etag"] == read.headers["etag"]
    assert "ETag" in read.headers["access-control-expose-headers"]
    assert "access-control-allow-origin" not in foreign.headers
    for answer in asked, read, again, health:
        assert answer.headers["access-control-allow-origin"] == page["Origin"]


async def test_a_snapshot_of_a_topic_that_does_not_exist_names_those_that_do(
    http: httpx.AsyncClient,
) -> None:
    topics = list((await http.get("/api/v1/snapshot")).json()["state"])

    one = await http.get(f"/api/v1/snapshot?topics={topics[0]}")
    none = await http.get("/api/v1/snapshot?topics=weather")

    assert list(one.json()["state"]) == [topics[0]]
    assert none.status_code == 422
    assert topics[0] in none.json()["message"]


async def test_a_topic_that_is_named_many_times_is_looked_at_once(http: httpx.AsyncClient) -> None:
    for number in range(300):
        command = {"RevokeTokens": {"user_id": f"user-{number}"}}
        assert (await http.post("/api/v1/commands", json=command)).status_code == 200
    once = await http.get("/api/v1/snapshot?topics=revocation")

    often = await http.get("/api/v1/snapshot?topics=" + ",".join(["revocation"] * 5_000))

    assert often.json() == once.json()
    assert often.elapsed < timedelta(seconds=1)  # 5,000 times the work would be seconds of it


async def test_every_refusal_has_the_one_error_body(http: httpx.AsyncClient) -> None:
    json = {"Content-Type": "application/json"}
    answers = {
        404: await http.get("/nowhere"),
        405: await http.delete("/api/v1/commands"),
        413: await http.post("/api/v1/commands", content=b" " * 70_000, headers=json),
        422: await http.post("/api/v1/commands", content=b"{", headers=json),
    }

    for status, answer in answers.items():
        assert answer.status_code == status
        assert answer.json()["type"] == "error"
        assert answer.json()["message"]
    listed = "the routes are listed at /docs"
    assert answers[404].json()["message"] == f"there is nothing at /nowhere: {listed}"
    assert answers[405].json()["message"] == f"/api/v1/commands takes POST, not DELETE: {listed}"
    assert answers[413].json()["code"] == "too_large"
    assert answers[422].json()["message"].startswith("Invalid JSON format")


@pytest.mark.parametrize(("more", "status"), [(0, 422), (1, 413)])
async def test_a_body_is_as_long_as_it_may_be_and_no_longer(
    http: httpx.AsyncClient, more: int, status: int
) -> None:
    body = b" " * (Settings.model_fields["max_message_bytes"].default + more)
    headers = {"Content-Type": "application/json"}

    answer = await http.post("/api/v1/commands", content=body, headers=headers)

    assert answer.status_code == status


async def test_a_refusal_of_a_method_names_all_that_the_address_takes(
    http: httpx.AsyncClient,
) -> None:
    """RFC 9110, 15.5.6: whatever number of routes it has."""
    allowed = {
        "/api/v1/revocations": "GET, POST",
        "/api/v1/commands": "POST",
        "/health": "GET, HEAD",
        "/docs": "GET, HEAD",
        "/dashboard/main.js": "GET, HEAD",
        "/ws": "GET",
    }

    for path, methods in allowed.items():
        answer = await http.delete(path)
        assert (answer.status_code, answer.headers["allow"]) == (405, methods)
        assert answer.json()["message"].startswith(f"{path} takes {methods}, not DELETE")


@pytest.mark.parametrize(
    "path",
    ["/", "/health", "/health/ready", "/docs", "/docs/ws", "/dashboard/main.js", "/client.js"],
)
async def test_what_watches_a_service_may_ask_without_wanting_the_body(
    shared_service: Service, path: str
) -> None:
    async with httpx.AsyncClient(base_url=shared_service.url) as client:
        head, get = await client.head(path), await client.get(path)

    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == get.headers["content-length"]
    assert head.headers["content-type"] == get.headers["content-type"]


async def test_what_not_everybody_may_read_is_stored_by_no_cache(http: httpx.AsyncClient) -> None:
    await http.post("/api/v1/commands", json={"RevokeTokens": {"user_id": "eve"}})
    statuses = {
        "/api/v1/log": 200,
        "/api/v1/log/1/state": 200,
        "/api/v1/log/1/test": 200,
        "/api/v1/dead-letters": 200,
        "/dashboard/viewer": 200,
        "/metrics": 200,
        "/api/v1/log?user=ada": 403,
        "/api/v1/log/2/state": 404,
        "/nowhere": 404,
    }

    for path, status in statuses.items():
        answer = await http.get(path)
        stored = answer.headers.get("cache-control")
        assert (path, answer.status_code, stored) == (path, status, "no-store")


@pytest.mark.parametrize("body", [b'{"X":"\\ud800"}', b"5", b"[" * 60_000, b"\xff", b"NaN", b""])
async def test_no_body_makes_the_service_stumble(http: httpx.AsyncClient, body: bytes) -> None:
    for kind in "application/json", "text/plain":
        answer = await http.post("/api/v1/commands", content=body, headers={"Content-Type": kind})

        assert answer.status_code == 422
        assert answer.json()["code"] == "invalid"


async def test_no_depth_makes_the_service_stumble(http: httpx.AsyncClient) -> None:
    json = {"Content-Type": "application/json"}
    for depth in (1, 200, 201, 202, *range(900, 1010)):
        body = b"[" * depth + b"]" * depth
        answer = await http.post("/api/v1/commands", content=body, headers=json)

        assert (depth, answer.status_code) == (depth, 422)
        assert answer.json()["code"] == "invalid"


async def test_the_dashboard_is_served_with_its_files(http: httpx.AsyncClient) -> None:
    page, client = await http.get("/"), await http.get("/client.js")

    assert "text/html" in page.headers["content-type"]
    assert "javascript" in client.headers["content-type"]


@pytest.mark.parametrize(
    "path", ["/", "/dashboard/index.html", "/docs/ws", "/dashboard/reference/index.html"]
)
async def test_no_page_runs_what_is_not_ours_nor_lies_in_a_frame_of_another(
    http: httpx.AsyncClient, path: str
) -> None:
    page = await http.get(path)

    assert "text/html" in page.headers["content-type"]
    policy = page.headers["content-security-policy"].split("; ")
    assert {"default-src 'self'", "frame-ancestors 'none'"} < {*policy}


async def test_the_page_knows_who_looks_at_it(http: httpx.AsyncClient) -> None:
    alice = await http.get("/dashboard/viewer", params={"user": "alice"})
    anybody = await http.get("/dashboard/viewer")

    assert alice.json() == {"name": "alice", "role": "customer", "chooses": True}
    assert anybody.json() == {"name": "anonymous", "role": "operator", "chooses": True}


def test_in_production_nobody_chooses_who_they_are(tmp_path: Path) -> None:
    service = Service(tmp_path, APP_ENV="production", APP_JWT_SECRET=token_hex(32)).start()
    answer = httpx.get(f"{service.url}/dashboard/viewer", params={"user": "alice"})
    service.kill()

    assert answer.json() == {"name": "anonymous", "role": "anonymous", "chooses": False}


@pytest.mark.slow
def test_a_service_that_cannot_start_says_why(tmp_path: Path) -> None:
    bad = Service(tmp_path, APP_ENV="staging", APP_MAX_MESSAGE_BYTES="many")
    with pytest.raises(AssertionError) as wrong:
        bad.start()
    running = Service(tmp_path).start()
    with pytest.raises(AssertionError) as locked:
        Service(tmp_path).start()
    with pytest.raises(AssertionError) as taken:
        Service(tmp_path, APP_EVENT_LOG="memory://", APP_PORT=str(running.port)).start()
    running.kill()

    assert "cannot start: these settings are wrong:\n  APP_ENV is 'staging'" in str(wrong.value)
    assert "APP_MAX_MESSAGE_BYTES is 'many'" in str(wrong.value)
    assert "is in use by another process" in str(locked.value)
    assert "set APP_HOST and APP_PORT" in str(taken.value)
    for refusal in wrong, locked, taken:
        assert "Traceback" not in str(refusal.value)


def test_a_misspelt_setting_is_warned_about(tmp_path: Path) -> None:
    service = Service(tmp_path, APP_PROT="3000").start()

    assert "APP_PROT" in service.words()
    assert service.stop() == 0


@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_whoever_says_that_there_is_no_more_is_answered(
    service: Service, method: str
) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", service.port)
    writer.write(f"{method} /health HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
    writer.write_eof()
    async with asyncio.timeout(10):
        answer = await reader.read()
    writer.close()
    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"\r\n\r\n" in answer
