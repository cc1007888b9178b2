"""What is too much, and what goes wrong in the service, is told alike at both doors."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AbstractContextManager, asynccontextmanager, nullcontext
from pathlib import Path
from typing import Never

import httpx
import pytest
import uvicorn
from websockets.asyncio.client import connect
from websockets.sync.client import connect as connect_sync

from app import bootstrap, domain
from app.api.answers import STATUS
from app.core.rejected import Code
from app.live.handshake import protocol_class
from app.runtime.event_log.memory import MemoryLog
from app.runtime.event_log.port import Entry, LogFull
from tests.access.keys import settings_of
from tests.policy.people import REVOKE, command, without_id
from tests.service import Service


@pytest.fixture
def strict(tmp_path: Path) -> Iterator[Service]:
    """A service that takes one command, and the next in a quarter of an hour."""
    settings = {"APP_COMMANDS_PER_SECOND": "0.001", "APP_COMMAND_BURST": "1"}
    running = Service(tmp_path, **settings).start()
    yield running
    running.kill()


def test_what_comes_too_fast_is_refused_in_the_same_words(strict: Service) -> None:
    url = f"{strict.url}/api/v1"
    with connect_sync(f"{strict.ws}/ws?user=ada") as ws:
        command(ws, REVOKE)
        by_socket = without_id(command(ws, REVOKE))
    posted = [
        httpx.post(f"{url}/{path}", json=body, headers={"X-User": "ada"})
        for path, body in (("commands", REVOKE), ("revocations", REVOKE["RevokeTokens"]))
    ]
    waits = [by_socket.pop("retry_after")]
    for answer in posted:
        body = answer.json()
        waits.append(body.pop("retry_after"))
        assert (answer.status_code, answer.headers["Retry-After"]) == (429, str(waits[-1]))
        assert body == by_socket

    assert by_socket["code"] == Code.RATE_LIMITED
    assert max(waits) - min(waits) <= 10, "as time goes by"


class FullLog(MemoryLog):
    """A log on a disk without room."""

    async def append(self, expected: int, entries: Sequence[Entry]) -> None:
        """Nothing more can be stored."""
        raise LogFull("the disk is full")


def broken(*_: object) -> Never:
    """A rule with a mistake."""
    raise ZeroDivisionError


class Unsignalled(uvicorn.Server):
    """A server that leaves the signals to the test."""

    def capture_signals(self) -> AbstractContextManager[None]:  # type: ignore[override]
        """They are not this server's."""
        return nullcontext()


@asynccontextmanager
async def serving() -> AsyncIterator[int]:
    """The application in this process, on a real socket; its port."""
    settings = settings_of()
    sockets = protocol_class(
        max_message_bytes=settings.max_message_bytes, send_buffer_bytes=settings.send_buffer_bytes
    )
    app = bootstrap.create_app(settings)
    server = Unsignalled(uvicorn.Config(app, ws=sockets, lifespan="off", log_config=None))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        async with app.router.lifespan_context(app):
            running = asyncio.create_task(server.serve([listener]))
            yield listener.getsockname()[1]  # it listens: who connects is served in a moment
            server.should_exit = True
            await running


@pytest.mark.anyio
@pytest.mark.parametrize("code", [Code.INTERNAL, Code.UNAVAILABLE])
async def test_what_goes_wrong_is_told_in_the_same_words(
    monkeypatch: pytest.MonkeyPatch, code: Code
) -> None:
    if code is Code.INTERNAL:
        monkeypatch.setattr(domain, "reduce", broken)
    else:
        monkeypatch.setattr(bootstrap, "open_event_log", lambda _, **how: FullLog())
    async with (
        serving() as port,
        connect(f"ws://127.0.0.1:{port}/ws") as ws,
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}/api/v1") as client,
    ):
        await ws.send(json.dumps({"type": "command", "action": REVOKE}))
        by_socket = json.loads(await asyncio.wait_for(ws.recv(), 10))
        posted = [
            await client.post("/commands", json=REVOKE),
            await client.post("/revocations", json=REVOKE["RevokeTokens"]),
        ]

    assert by_socket["code"] == code
    assert [answer.status_code for answer in posted] == [STATUS[code]] * 2
    assert [answer.json() for answer in posted] == [by_socket] * 2
