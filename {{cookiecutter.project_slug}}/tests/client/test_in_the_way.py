"""The Python client and what answers instead of the service: it comes back, and blocks nobody."""

import asyncio
import base64
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from websockets.asyncio.server import ServerConnection, serve

from app.client import CloseCode, LiveClient, Lost, Snapshot, State, Timing, connect
from app.client.ending import LONGEST_WAIT, refused
from app.client.login import Login
from tests.client.wire import Wire
from tests.service import Service

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

QUICK = Timing(first_delay=0.02, longest_delay=0.1, drain_delay=0.1)
SECONDS = 60

HTML = b"<html>Log in</html>"
OTHER = b'{"error":"maintenance"}'
ODD = b'{"state":{},"seq":"one","epoch":"e"}'
ANSWERS = {
    "a body that is cut off": b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n" + b'{"state":{',
    "a chunk that is cut off": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n10\r\n{",
    "a chunk that is none": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    "another protocol": b"SSH-2.0-OpenSSH_9\r\n",
    "nothing": b"",
    "a page": b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(HTML), HTML),
    "other words": b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(OTHER), OTHER),
    "odd words": b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(ODD), ODD),
    "a list": b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]",
    "a refusal with a chunk that is none": b"HTTP/1.1 502 Bad Gateway\r\n"
    b"Transfer-Encoding: chunked\r\n\r\nzz\r\n",
    "a refusal that is cut off": b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 500\r\n\r\n<html>",
}
Answer = Callable[[asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def in_the_way(service: Service, answer: Answer) -> AsyncIterator[str]:
    """An address at which this answers the first request, and the service all others."""
    wire, first = Wire(service.port), [answer]

    async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if not first:
            return await wire.serve(reader, writer)
        tell = first.pop()
        try:
            await reader.readuntil(b"\r\n\r\n")
            await tell(writer)
        except ConnectionError:
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(take, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        wire.cut()
        await server.wait_closed()


def telling(said: bytes) -> Answer:
    """Says this, and hangs up."""

    async def tell(writer: asyncio.StreamWriter) -> None:
        writer.write(said)
        await writer.drain()

    return tell


async def begun(client: LiveClient) -> Snapshot:
    """What the client starts from."""
    async with asyncio.timeout(SECONDS):
        item = await anext(client)
    assert isinstance(item, Snapshot)
    return item


@pytest.mark.parametrize("what", ANSWERS)
async def test_whatever_answers_instead_of_a_snapshot_it_is_asked_for_again(
    shared_service: Service, what: str
) -> None:
    async with (
        in_the_way(shared_service, telling(ANSWERS[what])) as url,
        connect(url, timing=QUICK) as client,
    ):
        assert await begun(client)


@pytest.mark.parametrize("what", ANSWERS)
async def test_whatever_answers_instead_of_a_handshake_it_is_made_again(
    shared_service: Service, what: str
) -> None:
    async with (
        in_the_way(shared_service, telling(ANSWERS[what])) as url,
        connect(url, topics=[], timing=QUICK) as client,
    ):
        async with asyncio.timeout(SECONDS):
            await client.send({"RevokeTokens": {"user_id": "eve"}})


async def test_a_snapshot_that_comes_drop_by_drop_is_not_waited_for(
    shared_service: Service,
) -> None:
    async def drip(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n")
        while True:
            writer.write(b" ")
            await writer.drain()
            await asyncio.sleep(0.05)

    timing = Timing(first_delay=0.02, connect_within=2)
    async with in_the_way(shared_service, drip) as url, connect(url, timing=timing) as client:
        assert await begun(client)


async def test_a_refusal_that_comes_slowly_is_read_without_blocking_its_caller(
    shared_service: Service,
) -> None:
    async def stall(writer: asyncio.StreamWriter) -> None:
        body = b'{"code":"unavailable","message":"it stops"}'
        head = b"HTTP/1.1 503 Stopping\r\nretry-after: 1\r\nContent-Length: %d\r\n\r\n"
        writer.write(head % len(body))
        await writer.drain()
        await asyncio.sleep(0.2)  # the client has the head by now, and waits for this loop
        writer.write(body)
        await writer.drain()

    losses = list[Lost | None]()
    async with (
        in_the_way(shared_service, stall) as url,
        connect(url, timing=QUICK, on_state=lambda _: losses.append(client.lost)) as client,
    ):
        assert await begun(client)

    assert losses[0] == Lost(CloseCode.LOST, "it stops (HTTP 503)", wait=1.0)


async def test_cancelled_while_it_is_closed_it_is_closed_nevertheless() -> None:
    inside = asyncio.Event()

    async def listen(socket: ServerConnection) -> None:
        await socket.recv()
        await socket.send('{"type":"subscribed","recovered":true,"seq":0,"epoch":"e"}')
        await socket.wait_closed()

    def look(state: State) -> None:
        if state is State.LIVE:
            inside.set()

    async def use(client: LiveClient) -> None:
        async with client:
            await asyncio.Event().wait()

    async with serve(listen, "127.0.0.1", 0) as server:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        client = connect(url, since=0, epoch="e", on_state=look)
        user = asyncio.create_task(use(client))
        async with asyncio.timeout(SECONDS):
            await inside.wait()
            waiting = [
                asyncio.create_task(client.send("Reset")),
                asyncio.create_task(client.__anext__()),
            ]
            for _ in range(2):
                await asyncio.sleep(0)
                user.cancel()
            await asyncio.wait([user])
            ends = await asyncio.gather(*waiting, return_exceptions=True)

    assert [str(end) for end in ends] == ["no answer came: the client is closed", ""]
    assert client.state is State.STOPPED


def expiring(seconds: float) -> str:
    """A token that expires then, by this clock."""
    claims = base64.urlsafe_b64encode(json.dumps({"exp": time.time() + seconds}).encode())
    return f"head.{claims.decode().rstrip('=')}.signature"


@pytest.mark.parametrize("lives", [[-3600.0], [0.05, -3600.0]])
async def test_a_new_token_that_has_no_time_left_is_not_renewed(lives: list[float]) -> None:
    given, said = [expiring(life) for life in lives], list[str]()
    left = list(given)

    async def get_token() -> str:
        return left.pop(0)

    login = Login(None, get_token)
    await login.headers()
    async with asyncio.timeout(5):
        await login.renew(QUICK, said.append)

    assert (left, said) == ([], given[1:])


@pytest.mark.parametrize(
    ("asked", "wait"), [("7", 7.0), ("99999999999999999999", LONGEST_WAIT), ("soon", 0.0)]
)
def test_a_refusal_keeps_away_as_long_as_it_says_but_not_for_ever(asked: str, wait: float) -> None:
    assert refused(503, b"", {"Retry-After": asked}).wait == wait
