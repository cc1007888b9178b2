"""Server-sent events: what the socket's clients hear, as a stream over HTTP."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest

from app.bootstrap import create_app
from app.core.principal import Principal, Role
from tests.access.keys import settings_of
from tests.live.figures import figure
from tests.service import Service

pytestmark = pytest.mark.anyio

EVENTS = "/api/v1/events"


class Sent(NamedTuple):
    """One server-sent event."""

    name: str
    id: str
    data: Any


class Stream:
    """The events of one answer."""

    def __init__(self, answer: httpx.Response) -> None:
        self.answer = answer
        self._lines = answer.aiter_lines()

    async def next(self) -> Sent | None:
        """The next event; None when the stream has ended."""
        fields: dict[str, str] = {}
        async for line in self._lines:
            if not line and "data" in fields:
                name, data = fields.get("event", "message"), json.loads(fields["data"])
                return Sent(name, fields.get("id", ""), data)
            name, _, value = line.partition(": ")
            fields[name] = value
        return None


@asynccontextmanager
async def listening(service: Service, query: str = "", **headers: str) -> AsyncIterator[Stream]:
    """A stream, once its first event was read: the headers have `_` for `-`."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    async with (
        httpx.AsyncClient(base_url=service.url, timeout=10) as client,
        client.stream("GET", f"{EVENTS}{query}", headers=named) as answer,
    ):
        yield Stream(answer)


async def revoke(service: Service, *names: str) -> None:
    async with httpx.AsyncClient(base_url=service.url) as client:
        for name in names:
            action = {"RevokeTokens": {"user_id": name}}
            assert (await client.post("/api/v1/commands", json=action)).status_code == 200


def name_of(sent: Sent | None) -> str:
    assert sent is not None
    assert sent.name == "message"
    return str(sent.data["action"]["TokensRevoked"]["user_id"])


async def test_a_stream_begins_with_what_is_heard_and_goes_on_with_what_happens(
    shared_service: Service,
) -> None:
    async with listening(shared_service, "?topics=revocation") as stream:
        subscribed = await stream.next()
        await revoke(shared_service, "ada")
        event = await stream.next()

    assert subscribed is not None
    assert (subscribed.name, subscribed.data["topics"]) == ("subscribed", ["revocation"])
    assert stream.answer.headers["content-type"].startswith("text/event-stream")
    assert event is not None
    assert name_of(event) == "ada"
    assert event.data["type"] == "event"
    assert event.id == f"{subscribed.data['epoch']}:{event.data['seq']}"


async def test_a_browser_that_was_away_goes_on_after_the_last_event(service: Service) -> None:
    async with listening(service) as stream:
        await stream.next()
        await revoke(service, "ada", "bob", "cyd")
        last = await stream.next()
    assert last is not None
    async with listening(service, last_event_id=last.id) as stream:
        subscribed = await stream.next()
        missed = [name_of(await stream.next()) for _ in range(2)]
        await revoke(service, "dan")
        live = name_of(await stream.next())

    assert subscribed is not None
    assert subscribed.data["recovered"] is True
    assert [*missed, live] == ["bob", "cyd", "dan"]


@pytest.mark.parametrize("last_event_id", ["another:1", "another:999"])
async def test_an_id_of_another_log_is_not_recovered(
    shared_service: Service, last_event_id: str
) -> None:
    await revoke(shared_service, "ada", "bob")
    async with listening(shared_service, last_event_id=last_event_id) as stream:
        first = await stream.next()
        await revoke(shared_service, "cyd")

        assert first is not None
        assert first.data["recovered"] is False
        assert name_of(await stream.next()) == "cyd"


async def test_whoever_comes_back_is_counted(service: Service) -> None:
    await revoke(service, "ada")
    async with listening(service) as stream:
        first = await stream.next()
        assert first is not None
        assert await figure(service, "app_resumes_total") == 0, "it was not here before"
    async with listening(service, last_event_id=first.id) as stream:
        await stream.next()
        assert await figure(service, "app_resumes_total", how="ring") == 1
    async with listening(service, last_event_id="another:1") as stream:
        await stream.next()
        assert await figure(service, "app_resumes_total", how="miss") == 1


@pytest.mark.parametrize("last_event_id", ["1", ":", "epoch:", "epoch:-1", "epoch:one"])
async def test_an_id_that_is_none_is_refused_in_words(
    shared_service: Service, last_event_id: str
) -> None:
    async with listening(shared_service, last_event_id=last_event_id) as stream:
        body = json.loads(await stream.answer.aread())

    assert (stream.answer.status_code, body["code"]) == (422, "invalid")


async def test_what_may_not_be_heard_is_refused_in_words(shared_service: Service) -> None:
    async with listening(shared_service, "?topics=revocation&user=carl") as stream:
        body = json.loads(await stream.answer.aread())
    assert (stream.answer.status_code, body["code"]) == (403, "forbidden")

    async with listening(shared_service, "?topics=weather") as stream:
        body = json.loads(await stream.answer.aread())
    assert (stream.answer.status_code, body["code"]) == (422, "invalid")
    assert "there is no topic 'weather'" in body["message"]


async def test_a_stop_ends_the_stream(service: Service) -> None:
    async with listening(service) as stream:
        await stream.next()
        status = service.stop()

        assert await stream.next() is None
    assert status == 0


async def test_a_stream_is_counted_among_the_connections(tmp_path: Path) -> None:
    service = Service(tmp_path, APP_CONNECTIONS_PER_ADDRESS="1").start()
    try:
        async with listening(service) as stream:
            await stream.next()
            async with listening(service) as another:
                assert another.answer.status_code == 429
                assert int(another.answer.headers["retry-after"]) > 0
        async with httpx.AsyncClient(base_url=service.url) as client:
            for _ in range(100):
                async with client.stream("GET", EVENTS) as again:
                    if again.status_code == 200:
                        break
            assert again.status_code == 200, "the first one is gone"
    finally:
        service.kill()


async def test_a_stream_that_is_refused_takes_nobodys_place() -> None:
    app = create_app(settings_of(connections_per_principal=1))
    transport = httpx.ASGITransport(app)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://localhost") as http,
    ):
        app.state.limits.connect("192.0.2.1").identify(Principal("ada", Role.CUSTOMER))
        answer = await http.get(EVENTS, headers={"X-User": "ada"})

        assert (answer.status_code, app.state.limits.connections) == (429, 1)
