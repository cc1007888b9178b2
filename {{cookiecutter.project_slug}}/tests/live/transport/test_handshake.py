"""Opening a connection on our own protocol: what is let in, what is refused, and in which words."""

import asyncio
from typing import Any

import pytest
from websockets.asyncio.client import connect
from websockets.typing import Subprotocol

from app.live.http import BoundedHttp
from tests.live.transport.peer import BINARY, connected, frame, goodbye, request, text, upgraded
from tests.live.transport.served import Impatient, Served

pytestmark = [pytest.mark.anyio, pytest.mark.slow]


async def answer_to(application: Served, *segments: bytes) -> tuple[int, bytes]:
    """The status of the answer and all of it, until the server closes."""
    async with connected(application.port) as client:
        await client.send(*segments)
        async with asyncio.timeout(10):
            answer = await client.reader.read(-1)
    return int(answer.split(b" ", 2)[1]), answer


@pytest.mark.parametrize(
    ("path", "status"),
    [("/refused", 403), ("/denied", 503), ("/crashed", 500), ("/silent", 500)],
)
async def test_what_the_application_does_not_accept_is_refused(
    own: Served, path: str, status: int
) -> None:
    found, answer = await answer_to(own, request(path))

    assert found == status
    if path == "/denied":
        assert b"retry-after: 7\r\n" in answer.lower()
        assert answer.endswith(b"\r\n\r\ncome back later")


@pytest.mark.parametrize(
    ("wrong", "status"),
    [
        ((b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n", b""), 400),
        ((b"dGhlIHNhbXBsZSBub25jZQ==", b"short"), 400),
        ((b"Version: 13", b"Version: 8"), 400),
        ((b"GET", b"POST"), 405),
        ((b"/echo", b"/" + b"x" * 9000), 414),
        ((b"Host", b"X: " + b"x" * 9000 + b"\r\nHost"), 431),
        ((b"Host", b"X: x\r\n" * 200 + b"Host"), 431),
    ],
)
async def test_a_request_that_is_none_is_refused(
    own: Served, wrong: tuple[bytes, bytes], status: int
) -> None:
    found, _ = await answer_to(own, request().replace(*wrong, 1))

    assert found == status
    assert not own.scopes, "the application was not asked"


async def test_the_application_is_told_what_it_is_told_elsewhere(any_way: Served) -> None:
    any_way.scopes.clear()
    offered = [Subprotocol("app.v1"), Subprotocol("bearer.x")]
    address = f"ws://127.0.0.1:{any_way.port}/echo%20?since=7&topics=a%2Cb"

    with pytest.raises(Exception, match="500"):
        await connect(
            address, subprotocols=offered, additional_headers={"X-One": "é"}, open_timeout=5
        )
    (scope,) = any_way.scopes
    headers: list[tuple[bytes, bytes]] = scope.pop("headers")
    client: tuple[str, int] = scope.pop("client")

    assert client[0] == "127.0.0.1"
    assert (b"x-one", "é".encode("latin-1")) in headers or (b"x-one", "é".encode()) in headers
    assert all(name == name.lower() for name, _ in headers)
    expected: dict[str, Any] = {
        "type": "websocket",
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "http_version": "1.1",
        "scheme": "ws",
        "server": ("127.0.0.1", any_way.port),
        "root_path": "",
        "path": "/echo ",
        "raw_path": b"/echo%20",
        "query_string": b"since=7&topics=a%2Cb",
        "subprotocols": ["app.v1", "bearer.x"],
        "state": {},
        "extensions": {},
    }
    assert scope == expected


async def test_the_protocol_that_the_application_chooses_is_told(own: Served) -> None:
    offered = [Subprotocol("app.v1"), Subprotocol("bearer.x")]

    async with connect(f"ws://127.0.0.1:{own.port}/echo", subprotocols=offered) as client:
        assert client.subprotocol == "app.v1"


async def test_the_route_returns_and_the_connection_goes_on(own: Served) -> None:
    before = len(asyncio.all_tasks())

    async with upgraded(own.port) as client:
        await own.latest()
        async with asyncio.timeout(5):
            while len(asyncio.all_tasks()) > before:  # noqa: ASYNC110 - the route's own time
                await asyncio.sleep(0.001)
        await client.send(text("still here"))
        answer = await client.read()

    assert answer.payload == b"still here"


async def test_a_route_that_accepts_and_leaves_ends_the_connection(own: Served) -> None:
    async with upgraded(own.port, "/left") as client:
        answers = await client.read_all()

    assert [answer.code for answer in answers] == [1000]


async def test_a_route_that_knows_nothing_of_our_connections_is_served(own: Served) -> None:
    async with upgraded(own.port, "/plain", then=text("first")) as client:
        await client.send(*(text(str(number)) for number in range(200)), frame(BINARY, b"\xff"))
        answers = [await client.read() for _ in range(202)]
        await client.send(text("close"))
        ends = await client.read_all()

    numbers = [str(number).encode() for number in range(200)]
    assert [answer.payload for answer in answers] == [b"first", *numbers, b"\xff"]
    assert [end.code for end in ends] == [4009]


async def test_such_a_route_waits_for_a_client_that_does_not_read(own: Served) -> None:
    async with upgraded(own.port, "/plain") as client:
        big = text("x" * 60_000)
        sending = asyncio.create_task(client.send(*[big] * 400))
        await asyncio.sleep(0.3)
        is_all_sent = sending.done()
        answers = [await client.read() for _ in range(400)]
        await sending
        await client.send(goodbye())
        ends = await client.read_all()

    assert not is_all_sent, "what it has not answered it does not take"
    assert [len(answer.payload) for answer in answers] == [60_000] * 400
    assert [end.code for end in ends] == [1000]


async def test_such_a_route_that_raises_is_our_fault(own: Served) -> None:
    async with upgraded(own.port, "/plain") as client:
        await client.send(text("raise"))
        answers = await client.read_all()

    assert [answer.code for answer in answers] == [1011]


async def test_such_a_route_is_told_that_its_client_has_left(own: Served) -> None:
    async with upgraded(own.port, "/plain") as client:
        await client.send(text("a"))
        await client.read()
        client.reset()


async def test_a_hundred_that_leave_amid_the_handshake_leave_nothing(own: Served) -> None:
    for cut in range(100):
        async with connected(own.port) as client:
            await client.send(request()[: cut * 2])
            client.reset()
    for _ in range(20):
        async with connected(own.port) as client:
            await client.send(request())
            client.reset()


# What comes before the handshake


async def test_a_client_that_says_nothing_is_not_waited_for(own: Served) -> None:
    async with connected(own.port) as client, asyncio.timeout(5):
        assert await client.reader.read() == b""


async def test_a_request_a_byte_at_a_time_is_not_waited_for(own: Served) -> None:
    async with connected(own.port) as client, asyncio.timeout(5):
        for byte in request():
            await client.send(bytes((byte,)))
            await asyncio.sleep(0.01)
            if client.reader.at_eof() or client.reader.exception():  # reset, if a byte was coming
                break
        else:
            pytest.fail("the request is complete")


async def test_nor_is_the_second_request_of_a_connection(own: Served) -> None:
    first = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"

    async with connected(own.port) as client, asyncio.timeout(5):
        await client.send(first)
        assert (await client.head()).startswith(b"HTTP/1.1 204")
        await client.send(first[:10])
        assert await client.reader.read() == b""


async def test_an_open_connection_has_all_the_time_of_the_world(own: Served) -> None:
    async with upgraded(own.port) as client:
        await asyncio.sleep(0.7)  # longer than this server waits for a request
        await client.send(text("a"))

        assert (await client.read()).payload == b"a"


async def test_a_head_that_is_too_big_is_refused(own: Served) -> None:
    head = b"GET / HTTP/1.1\r\nHost: x\r\n" + b"X: %s\r\n" % (b"x" * 1000) * 20

    found, _ = await answer_to(own, head)

    assert found == 431


async def test_nor_does_a_head_without_an_end_fill_the_memory(own: Served) -> None:
    async with connected(own.port) as client, asyncio.timeout(5):
        await client.send(b"GET / HTTP/1.1\r\nX: ")
        sent = 0
        while not client.reader.at_eof() and not client.reader.exception() and sent < 1 << 20:
            await client.send(b"x" * 4096)
            sent += 4096
            await asyncio.sleep(0.001)

    assert sent < 1 << 20


async def test_a_head_is_too_large_also_when_all_of_it_comes_at_once(own: Served) -> None:
    head = b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nX: %b\r\n\r\n"

    most, _ = await answer_to(own, head % (b"x" * (Impatient.head_bytes - 100)))
    more, answers = await answer_to(own, head % (b"x" * Impatient.head_bytes))

    assert (most, more) == (204, 431)
    assert answers.count(b"HTTP/1.1") == 1


async def test_some_requests_may_be_sent_before_the_first_is_answered(own: Served) -> None:
    *others, last = [b"GET / HTTP/1.1\r\nHost: x\r\n"] * (1 + BoundedHttp.waiting_requests)
    segment = b"".join(each + b"\r\n" for each in others) + last + b"Connection: close\r\n\r\n"

    _, answers = await answer_to(own, segment)

    assert answers.count(b"HTTP/1.1 204") == 1 + BoundedHttp.waiting_requests


async def test_more_of_them_are_not_kept(own: Served) -> None:
    segment = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n" * (2 + BoundedHttp.waiting_requests)

    status, _ = await answer_to(own, segment)

    assert status == 400
