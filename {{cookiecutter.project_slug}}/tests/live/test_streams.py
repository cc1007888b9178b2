"""Streams of events that come back together, that take little, and whose time is over."""

from __future__ import annotations

import asyncio
import json
import re
import socket
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from websockets.asyncio.client import connect

from app.bootstrap import create_app
from app.live.past import PAGE_ENTRIES
from tests.access.keys import SECRET, settings_of, signed
from tests.attacks.watch import faults
from tests.live.figures import becomes, figure
from tests.live.raw import HANDSHAKE
from tests.service import Service

pytestmark = pytest.mark.anyio

EVENTS = "/api/v1/events"
STREAMS = 30
SOON = 10  # seconds: long before a keep-alive would find that nobody is there
MANY = 4_000  # more than the kernels keep for a client that takes none
POSITION = re.compile(rb"^id: \w+:(\d+)$", re.MULTILINE)
END = b"\r\n0\r\n\r\n"  # RFC 9112, 7.1
OLGA = {"Authorization": f"Bearer {signed(sub='olga', role='operator')}"}


@asynccontextmanager
async def serving(folder: Path, **settings: str) -> AsyncIterator[Service]:
    """A service that knows who asks by a token."""
    service = Service(folder, APP_JWT_SECRET=SECRET, **settings)
    await asyncio.to_thread(service.start)
    try:
        yield service
    finally:
        service.kill()


async def revoke(service: Service) -> None:
    """Have much happen."""
    url = f"{service.ws}/api/v1/ws?topics=revocation:nobody"
    async with connect(url, additional_headers=OLGA) as ws:
        for n in range(MANY):
            last = {"id": "last"} if n == MANY - 1 else {}
            action = {"RevokeTokens": {"user_id": f"{n:064}"}}
            await ws.send(json.dumps({"type": "command", "action": action, **last}))
        while json.loads(await ws.recv())["type"] != "ack":
            pass


class Stream:
    """One that takes what it is sent only when it is asked to."""

    def __init__(self, service: Service, query: str, headers: dict[str, str] = OLGA) -> None:
        self._socket = socket.socket()
        self._socket.settimeout(10)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self._socket.connect(("127.0.0.1", service.port))
        named = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        request = f"GET {EVENTS}{query} HTTP/1.1\r\nHost: 127.0.0.1\r\n{named}\r\n"
        self._socket.sendall(request.encode())
        self.taken = self._socket.recv(100)
        assert self.taken.startswith(b"HTTP/1.1 200 ")

    def rest(self) -> bytes:
        """All that comes until the stream ends, in order or cut off."""
        with self._socket:
            while not self.taken.endswith(END):
                try:
                    piece = self._socket.recv(1 << 20)
                except ConnectionResetError:
                    break
                if not piece:
                    break
                self.taken += piece
        return self.taken


def positions(taken: bytes) -> Sequence[int]:
    """Where the events stand, behind the one that says what is heard."""
    return [int(found) for found in POSITION.findall(taken)][1:]


async def test_a_stream_that_is_behind_ends_with_its_token_whether_or_not_it_takes_anything(
    tmp_path: Path,
) -> None:
    async with serving(tmp_path) as service:
        await revoke(service)
        expires = int(time.time()) + 2
        brief = {"Authorization": f"Bearer {signed(sub='olga', role='operator', exp=expires)}"}
        slow, stuck = (Stream(service, "?since=0", brief) for _ in range(2))
        assert await figure(service, "app_connections") == 2

        await asyncio.sleep(expires + 1.2 - time.time())
        taken = positions(await asyncio.to_thread(slow.rest))
        await becomes(service, 0, "app_connections")
        cut = await asyncio.to_thread(stuck.rest)
        said = faults(service)

    assert slow.taken.endswith(END)
    assert not cut.endswith(END)
    assert taken == list(range(1, len(taken) + 1))
    assert 0 < len(taken) < MANY
    assert said == []


async def test_a_stream_that_takes_too_little_ends_and_misses_nothing_when_it_comes_back(
    tmp_path: Path,
) -> None:
    async with serving(tmp_path, APP_SEND_BUFFER_BYTES=str(64 * 1024)) as service:
        stream = Stream(service, "")
        await revoke(service)
        heard = [*positions(await asyncio.to_thread(stream.rest))]
        await becomes(service, 1, "app_dropped_clients_total", reason="too_slow")
        assert stream.taken.endswith(END)
        assert 0 < len(heard) < MANY

        query = f"?since={heard[-1]}"
        async with (
            httpx.AsyncClient(base_url=service.url, timeout=10, headers=OLGA) as client,
            client.stream("GET", EVENTS + query) as answer,
        ):
            lines = answer.aiter_lines()
            assert '"recovered":true' in [await anext(lines) for _ in range(4)][1]
            async for line in lines:
                if line.startswith("id: "):
                    heard.append(int(line.rpartition(":")[2]))
                if heard[-1] == MANY:
                    break
        said = faults(service)

    assert heard == list(range(1, MANY + 1))
    assert said == []


@pytest.mark.parametrize("behind", ["a request", "an upgrade"])
async def test_a_stream_behind_which_something_was_asked_ends_with_its_client(
    service: Service, behind: str
) -> None:
    head = "GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{more}\r\n"
    then = {"a request": head.format(path="/health", more=""), "an upgrade": HANDSHAKE}[behind]
    first = head.format(path=EVENTS, more="")
    with socket.create_connection(("127.0.0.1", service.port), timeout=10) as peer:
        peer.sendall((first + then.format(port=service.port, headers="")).encode())
        taken = await asyncio.to_thread(peer.recv, 1 << 16)
        if behind == "an upgrade":
            while piece := await asyncio.to_thread(peer.recv, 1 << 16):
                taken += piece
        else:
            await becomes(service, 1, "app_connections")
    async with asyncio.timeout(SOON):
        await becomes(service, 0, "app_connections")
    said = faults(service)

    assert b"HTTP/1.1 101" not in taken
    assert taken.startswith(b"HTTP/1.1 200 ") or behind == "an upgrade"
    assert said == []


async def test_streams_that_come_back_together_read_the_log_once() -> None:
    app = create_app(settings_of(ring_events=1, command_burst=10_000))
    async with app.router.lifespan_context(app):
        await _happen(app, PAGE_ENTRIES + 10)
        reads = _counted(app)
        told = await asyncio.gather(*(_told(app, number) for number in range(STREAMS)))

    assert told == [list(range(after + 1, PAGE_ENTRIES + 11)) for after in range(STREAMS)]
    assert reads == [0, PAGE_ENTRIES]


async def _happen(app: FastAPI, number: int) -> None:
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as http:
        for n in range(number):
            action = {"RevokeTokens": {"user_id": str(n)}}
            (await http.post("/api/v1/commands", json=action)).raise_for_status()


def _counted(app: FastAPI) -> list[int]:
    """After which positions the Store reads the log, from now on."""
    reads: list[int] = []
    read = app.state.store.read_events

    async def counted(after: int, limit: int) -> Any:
        reads.append(after)
        return await read(after, limit)

    app.state.store.read_events = counted
    return reads


async def _told(app: FastAPI, after: int) -> Sequence[int]:
    """The positions of what a stream is told, until it has been told all there is."""
    taken, is_over = b"", asyncio.Event()
    asked = [{"type": "http.request"}]

    async def send(message: Any) -> None:
        nonlocal taken
        taken += message.get("body", b"")
        if taken.rstrip().endswith(b":%d" % (PAGE_ENTRIES + 10)):
            is_over.set()

    async def receive() -> Any:
        if asked:
            return asked.pop()
        await is_over.wait()
        return {"type": "http.disconnect"}

    scope = {
        "type": "http",
        "method": "GET",
        "scheme": "http",
        "path": EVENTS,
        "query_string": b"since=%d" % after,
        "headers": [(b"host", b"localhost")],
        "client": ("127.0.0.1", 1000 + after),
    }
    async with asyncio.timeout(10):
        await app(scope, receive, send)
    return positions(taken)
