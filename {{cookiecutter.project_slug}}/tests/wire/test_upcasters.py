"""A log of yesterday: the service goes on with it, and its clients hear of it by today's names."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from websockets.asyncio.client import connect

from app.core.principal import SYSTEM
from app.runtime.event_log import open_event_log
from app.runtime.event_log.port import Entry
from tests.service import Service

pytestmark = pytest.mark.anyio

# An event, and an effect that had not ended when the service stopped.
EVENT = '{"SessionsEnded":{"user":"ada","at":"1970-01-01T00:00:01Z"}}'
EFFECTS = (
    '[{"Sequential":[{"Delay":{"seconds":1,"command":{"EndSessions":{"user":"eve"}},"key":null}}]}]'
)
ENTRY = Entry(
    position=1,
    time=1_000_000,
    command="key-1",
    principal=SYSTEM.name,
    role=SYSTEM.role,
    action='{"EndSessions":{"user":"ada"}}',
    event=EVENT,
    effects=EFFECTS,
)
ADA = {"TokensRevoked": {"user_id": "ada", "revoked_at": "1970-01-01T00:00:01Z"}}


class Renamed(Service):
    """The service after two classes and their fields were renamed."""

    program = ("-m", "tests.wire.renamed")


@pytest.fixture
async def renamed(tmp_path: Path) -> AsyncIterator[Service]:
    """It has found a log of before in its folder."""
    service = Renamed(tmp_path)
    event_log = open_event_log(service.event_log)
    await event_log.append(0, [ENTRY])
    await event_log.close()
    await asyncio.to_thread(service.start)
    yield service
    await asyncio.to_thread(service.kill)


async def heard_by_socket(service: Service, epoch: str) -> Any:
    """The first event of the log."""
    url = f"{service.ws}/ws?since=0&epoch={epoch}&topics=revocation"
    async with connect(url) as ws, asyncio.timeout(10):
        assert json.loads(await ws.recv())["recovered"]
        return json.loads(await ws.recv())


async def heard_by_stream(http: httpx.AsyncClient, epoch: str) -> Any:
    """The same as a server-sent event."""
    headers = {"Last-Event-ID": f"{epoch}:0"}
    async with http.stream("GET", "/api/v1/events", headers=headers) as answer, asyncio.timeout(10):
        async for line in answer.aiter_lines():
            if line.startswith('data: {"type":"event"'):
                return json.loads(line.removeprefix("data: "))
    return None


async def entries(http: httpx.AsyncClient, count: int) -> list[Any]:
    """What stands in the log, as soon as there are so many."""
    async with asyncio.timeout(10):
        while True:
            found: list[Any] = (await http.get("/api/v1/log?after=0")).json()["items"]
            if len(found) >= count:
                return found


async def test_an_event_of_yesterday_is_told_by_the_names_of_today(renamed: Service) -> None:
    async with httpx.AsyncClient(base_url=renamed.url, timeout=10) as http:
        epoch = (await http.get("/api/v1/snapshot")).json()["epoch"]
        by_socket = await heard_by_socket(renamed, epoch)
        by_stream = await heard_by_stream(http, epoch)
        stored, *_ = await entries(http, 1)

    assert by_socket == by_stream == {"type": "event", "action": ADA, "seq": 1}
    assert stored["event"] == json.loads(EVENT), "the log is as it was"


async def test_a_command_of_yesterday_that_waited_is_decided_as_one_of_today(
    renamed: Service,
) -> None:
    async with httpx.AsyncClient(base_url=renamed.url, timeout=10) as http:
        _, decided = await entries(http, 2)

    assert decided["settles"] == "1.0.0"
    assert decided["action"] == {"RevokeTokens": {"user_id": "eve"}}
