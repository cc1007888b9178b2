"""Clients that say what they have to say a byte at a time, or never: all are cut off in time."""

import asyncio
from contextlib import suppress

import pytest
from websockets.asyncio.client import connect

from app.live.http import BoundedHttp
from tests.attacks.watch import at_rest, faults
from tests.live.transport.peer import Peer, connected, request
from tests.service import Service
from tests.talk import Talk

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

REVOKE = {"RevokeTokens": {"user_id": "mallory"}}
POST = b"POST /api/v1/commands HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
SIZED, CHUNKED = b"Content-Length: 1000\r\n\r\n", b"Transfer-Encoding: chunked\r\n\r\n"
HEAD, BODY = BoundedHttp.head_seconds, BoundedHttp.body_seconds
SLOW = 0.25

# What is said at once, what follows slowly, and after how many seconds it is cut off.
PEERS: dict[str, tuple[bytes, bytes, float]] = {
    "says nothing": (b"", b"", HEAD),
    "half a line": (b"GET /he", b"", HEAD),
    "a line, a byte at a time": (b"GET /", b"x", HEAD),
    "headers, one at a time": (b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n", b"X-A: a\r\n", HEAD),
    "a handshake without its end": (request("/ws")[:-2], b"", HEAD),
    "a handshake, a header at a time": (request("/ws")[:-2], b"X-A: a\r\n", HEAD),
    "a body that never comes": (POST + SIZED, b"", BODY),
    "a body, a byte at a time": (POST + SIZED, b"[", BODY),
    "chunks, a byte each": (POST + CHUNKED, b"1\r\n[\r\n", BODY),
    "a chunk that never ends": (POST + CHUNKED + b"ffff\r\n", b"[", BODY),
    "trailers, one at a time": (POST + CHUNKED + b"0\r\n", b"X-A: a\r\n", BODY),
    "a second request that never ends": (
        b"GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\nGET /he", b"x", HEAD,
    ),
    "a body that is refused already": (
        POST + b"Content-Length: 999999999\r\n\r\n", b"[", BODY,
    ),
}  # fmt: skip


async def seconds_until_cut_off(service: Service, first: bytes, then: bytes) -> float:
    """How long the service listens to this."""
    clock = asyncio.get_running_loop().time
    async with connected(service.port) as peer:
        began = clock()
        await peer.send(first)
        ended = asyncio.create_task(_end(peer))
        while not ended.done():
            await asyncio.wait([ended], timeout=SLOW)
            await peer.send(then)
        return clock() - began


async def _end(peer: Peer) -> None:
    with suppress(ConnectionError):
        await peer.reader.read(-1)


async def test_slow_peers_are_cut_off_and_keep_nobody_else_waiting(service: Service) -> None:
    before = await at_rest(service)

    async with connect(f"{service.ws}/ws") as polite, asyncio.TaskGroup() as group:
        taken = {
            name: group.create_task(seconds_until_cut_off(service, first, then))
            for name, (first, then, _) in PEERS.items()
            for _ in range(3)
        }
        for _ in range(20):
            async with asyncio.timeout(2):
                *_, answer = await Talk(polite).command(REVOKE)
            assert answer["type"] == "ack"

    assert await at_rest(service, before) == before
    for name, (*_, limit) in PEERS.items():
        assert limit - 1 < taken[name].result() < limit + 5, name
    assert faults(service) == []
