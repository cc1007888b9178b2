"""What a connection promises (app/live/port.py), on every server."""

import asyncio

import pytest

from app.live.message import Message
from tests.live.transport.peer import CLOSE, TEXT, goodbye, text, upgraded
from tests.live.transport.served import BUDGET, Served

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

KILOBYTE = Message(b"x" * 1024)
MUCH = 32 * 1024  # of which nobody's buffers take the half


async def test_what_is_written_arrives_in_order(anywhere: Served) -> None:
    async with upgraded(anywhere.port) as client:
        for number in range(100):
            await client.send(text(str(number)))
        answers = [await client.read() for _ in range(100)]

    assert [answer.payload for answer in answers] == [str(n).encode() for n in range(100)]


async def test_the_end_is_told_with_the_code_of_the_client(anywhere: Served) -> None:
    async with upgraded(anywhere.port) as client:
        await client.send(goodbye(4321))
        await client.read_all()
        echo = await anywhere.latest()
        await asyncio.wait_for(echo.over.wait(), 10)

    assert echo.codes == [4321] if anywhere.way != "hypercorn" else [1006], "it tells no code"


async def test_the_client_is_told_goodbye_after_what_was_written_before(anywhere: Served) -> None:
    async with upgraded(anywhere.port) as client:
        echo = await anywhere.latest()
        for _ in range(50):
            echo.connection.write(KILOBYTE)
        echo.connection.close(4401, "the token has expired")
        echo.connection.close(1000, "too late")
        echo.connection.write(KILOBYTE)
        answers = await client.read_all()
        await asyncio.wait_for(echo.over.wait(), 10)

    assert [answer.opcode for answer in answers] == [TEXT] * 50 + [CLOSE]
    assert answers[-1].payload[2:] == b"the token has expired"
    assert echo.codes == [4401]


async def test_a_connection_that_is_broken_off_is_over(anywhere: Served) -> None:
    async with upgraded(anywhere.port) as client:
        await client.send(text("a"))
        await client.read()
        client.reset()
        echo = await anywhere.latest()
        await asyncio.wait_for(echo.over.wait(), 10)

        echo.connection.write(KILOBYTE)
        echo.connection.ping()
        echo.connection.close(1000)
        echo.connection.abort()
        echo.connection.resume_reading()

    assert echo.codes != [1000]


async def test_a_connection_that_was_cut_off_takes_anything_and_says_so_once(
    anywhere: Served,
) -> None:
    async with upgraded(anywhere.port) as client:
        echo = await anywhere.latest()
        echo.connection.abort()
        echo.connection.write(KILOBYTE)
        echo.connection.ping()
        echo.connection.pause_reading()
        echo.connection.resume_reading()
        echo.connection.close(1000)
        echo.connection.abort()
        await asyncio.wait_for(echo.over.wait(), 3)
        answers = await client.read_all()

    assert echo.codes == [1006] if anywhere.way == "direct" else len(echo.codes) == 1
    assert TEXT not in [answer.opcode for answer in answers]


async def test_a_client_that_lets_too_much_wait_is_too_slow(anywhere: Served) -> None:
    async with upgraded(anywhere.port) as client:
        echo = await anywhere.latest()
        written = before = most = 0
        while echo.connection.buffered > before - BUDGET // 2 and written < MUCH:
            before = echo.connection.buffered
            most = max(most, before)
            echo.connection.write(KILOBYTE)
            written += 1
            if written % 64 == 0 and echo.connection.buffered > before:
                await asyncio.sleep(0)  # the server's turn
                before = 0
        answers = await client.read_all()
        await asyncio.wait_for(echo.over.wait(), 10)

    assert answers[-1].code == 4008
    assert most <= BUDGET
    assert written - len(answers) > BUDGET // 1024 // 2, "what waited was dropped"
    assert echo.codes == [4008]


async def test_nothing_is_taken_while_reading_is_paused(anywhere: Served) -> None:
    async with upgraded(anywhere.port) as client:
        await client.send(text("a") + text("pause") + text("b") + text("c"))
        first = await client.read()
        echo = await anywhere.latest()
        for _ in range(20):
            await asyncio.sleep(0.01)  # that nothing happens cannot be waited for otherwise
        heard = list(echo.heard)
        await client.send(text("d"))
        echo.connection.resume_reading()
        rest = [await client.read() for _ in range(3)]

    assert first.payload == b"a"
    assert heard == ["a", "pause"]
    assert [answer.payload for answer in rest] == [b"b", b"c", b"d"]


async def test_a_paused_client_is_told_goodbye_all_the_same(anywhere: Served) -> None:
    async with upgraded(anywhere.port) as client:
        await client.send(text("pause") + text("b"))
        echo = await anywhere.latest()
        async with asyncio.timeout(5):
            while not echo.heard:  # noqa: ASYNC110 - the server's own time
                await asyncio.sleep(0.001)
        echo.connection.close(4503, "revoked")
        async with asyncio.timeout(3):  # its answer is read: it does not have to be cut off
            answers = await client.read_all()
            await echo.over.wait()

    assert [answer.code for answer in answers] == [4503]
    assert echo.heard == ["pause"]


async def test_a_receiver_that_raises_ends_its_own_connection_only(anywhere: Served) -> None:
    async with upgraded(anywhere.port) as client, upgraded(anywhere.port) as other:
        await client.send(text("raise"))
        answers = await client.read_all()
        await other.send(text("still here"))
        answer = await other.read()

    assert [one.code for one in answers] == [1011]
    assert answer.payload == b"still here"
