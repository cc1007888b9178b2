"""Clients that do not read, do not answer, or are there no more: bounded in time and in memory."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager

import pytest

from app.live.message import Message
from tests.live.transport.peer import PING, PONG, Peer, frame, goodbye, request, text, upgraded
from tests.live.transport.served import BUDGET, Served, served

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

KILOBYTE = Message(b"x" * 1024)
CLIENT = """
import sys
from websockets.sync.client import connect
with connect(sys.argv[1]) as socket:
    print("open", flush=True)
    for message in socket:
        pass
"""


@asynccontextmanager
async def deaf(port: int) -> AsyncIterator[Peer]:
    """A client whose handshake is done and that reads nothing more, with small buffers."""
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    sock.setblocking(False)
    await asyncio.get_running_loop().sock_connect(sock, ("127.0.0.1", port))
    reader, writer = await asyncio.open_connection(sock=sock, limit=1024)
    peer = Peer(reader, writer)
    await peer.send(request())
    assert (await peer.head()).startswith(b"HTTP/1.1 101")
    writer.transport.pause_reading()  # type: ignore[attr-defined]
    try:
        yield peer
    finally:
        writer.transport.abort()


async def filled(application: Served, kilobytes: int) -> None:
    """Write so much to the client that connected last."""
    echo = await application.latest()
    for _ in range(kilobytes):
        echo.connection.write(KILOBYTE)
        await asyncio.sleep(0)


async def test_what_waits_is_sent_in_order_when_the_client_reads_again(own: Served) -> None:
    async with deaf(own.port) as client:
        echo = await own.latest()
        texts = [f"{number:05}" * 200 for number in range(BUDGET // 1024)]
        for words in texts:
            echo.connection.write(Message(words.encode()))
            await asyncio.sleep(0)
        blocked, buffered = echo.connection.blocked, echo.connection.buffered
        client.writer.transport.resume_reading()  # type: ignore[attr-defined]
        answers = [await client.read() for _ in texts]
        await client.send(goodbye())
        await client.read_all()

    assert blocked is not None
    assert 0 < buffered <= BUDGET
    assert [answer.payload.decode() for answer in answers] == texts
    assert echo.was_writable
    assert echo.connection.blocked is None


async def test_a_client_that_reads_late_finds_goodbye_after_what_was_under_way(
    own: Served,
) -> None:
    async with deaf(own.port) as client:
        await filled(own, 2 * BUDGET // 1024)
        client.writer.transport.resume_reading()  # type: ignore[attr-defined]
        answers = await client.read_all()

    assert answers[-1].code == 4008
    assert all(len(answer.payload) == 1024 for answer in answers[:-1])


async def test_the_kernel_keeps_little_for_a_client_that_does_not_read(own: Served) -> None:
    async with deaf(own.port):
        await filled(own, 100)
        (connection,) = own.connections
        sock = connection._transport.get_extra_info("socket")

        assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT) == 64 * 1024


async def test_neither_the_deaf_nor_the_silent_are_waited_for(own: Served) -> None:
    before = asyncio.get_running_loop().time()
    async with AsyncExitStack() as opened:
        for _ in range(5):
            await opened.enter_async_context(deaf(own.port))
            await filled(own, 2 * BUDGET // 1024)  # never reads: 4008
            await opened.enter_async_context(deaf(own.port))
            own.receivers[-1].connection.close(4401)  # never answers the goodbye
            pinging = await opened.enter_async_context(deaf(own.port))
            sending = asyncio.create_task(pinging.send(*[frame(PING, b"x" * 125)] * 20_000))
            opened.callback(sending.cancel)  # asks again and again, and reads no answer
        last = await opened.enter_async_context(upgraded(own.port))
        await last.send(text("a"))
        answer = await last.read()
        async with asyncio.timeout(15):
            for echo in own.receivers[:-1]:
                await echo.over.wait()
        took = asyncio.get_running_loop().time() - before
        codes = [echo.codes for echo in own.receivers[:-1]]

    assert answer.payload == b"a"
    assert codes == [[4008], [4401], [4009]] * 5
    assert took < 15


async def test_a_client_that_sends_one_pong_after_another_is_sent_away(own: Served) -> None:
    async with upgraded(own.port) as client:
        await client.send(*[frame(PONG)] * 200)
        await client.send(text("still here"))
        first = await client.read()
        await client.send(*[frame(PONG)] * 1000)
        rest = await client.read_all()

    assert first.payload == b"still here"
    assert [answer.code for answer in rest] == [4009]


async def test_goodbye_is_not_waited_for_where_nothing_can_be_sent(anywhere: Served) -> None:
    async with deaf(anywhere.port):
        await filled(anywhere, BUDGET // 1024 // 2)
        echo = await anywhere.latest()
        echo.connection.close(4401, "the token has expired")
        await asyncio.wait_for(echo.over.wait(), 8)

    assert echo.codes == [4401]


async def test_everybody_is_sent_away_when_the_server_stops(anyio_backend: object) -> None:
    async with served("direct") as application, AsyncExitStack() as opened:
        clients = [await opened.enter_async_context(upgraded(application.port)) for _ in range(50)]
        application.stop()
        answers = [await client.read_all() for client in clients]

    assert [answer.code for (answer,) in answers] == [1012] * 50


async def test_a_server_that_stops_waits_for_nobody_for_long(anyio_backend: object) -> None:
    async with served("direct") as application, AsyncExitStack() as opened:
        for _ in range(5):
            await opened.enter_async_context(deaf(application.port))
            await filled(application, 200)
        application.stop()
        async with asyncio.timeout(8):
            for echo in application.receivers:
                await echo.over.wait()

        assert {code for echo in application.receivers for code in echo.codes} == {1012}
        assert not application.connections


async def test_pongs_show_that_a_client_is_there(own: Served) -> None:
    async with upgraded(own.port) as client:
        echo = await own.latest()
        for _ in range(5):
            own.keepalive.sweep()
            assert (await client.read()).opcode == PING
            await client.send(frame(PONG))
            await client.send(text("a"))
            assert (await client.read()).payload == b"a"

    assert echo.heard == ["a"] * 5


@contextmanager
def process(url: str) -> Iterator[subprocess.Popen[str]]:
    """A real client in a process of its own."""
    command = [sys.executable, "-c", CLIENT, url]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as running:  # noqa: S603
        try:
            assert running.stdout is not None
            assert running.stdout.readline() == "open\n"
            yield running
        finally:
            running.kill()


async def talking(client: Peer) -> None:
    """Say something, hear it, and answer pings, again and again."""
    while True:
        await client.send(text("a"))
        while (await client.read()).opcode == PING:
            await client.send(frame(PONG))
        await asyncio.sleep(0.01)


async def test_a_process_that_is_stopped_is_gone_in_time_and_others_are_served(
    own: Served,
) -> None:
    opening = process(f"ws://127.0.0.1:{own.port}/echo")
    async with own.keepalive.running(), upgraded(own.port) as client, asyncio.timeout(20):
        other = await own.latest()
        talk = asyncio.create_task(talking(client))
        running = await asyncio.to_thread(opening.__enter__)
        try:
            echo = own.receivers[-1]
            began = echo.connection.heard
            while echo.connection.heard < began + 2:  # noqa: ASYNC110 - it answers twice
                await asyncio.sleep(0.01)
            os.kill(running.pid, signal.SIGSTOP)
            before = len(other.heard)
            await echo.over.wait()
            after = len(other.heard)
        finally:
            opening.__exit__(None, None, None)
            talk.cancel()
            await asyncio.wait([talk])

    assert echo.codes == [1011]
    assert after > before
    assert 1011 not in other.codes
