"""What a connection promises (app/live/port.py), on every server."""

import asyncio
import gc

import pytest
from starlette.types import Message as AsgiMessage
from starlette.types import Scope
from websockets.server import ServerProtocol

from app.live.asgi import AsgiConnection
from app.live.compressing import Compressing
from app.live.http import BoundedHttp
from app.live.keepalive import Keepalive
from app.live.message import Message
from app.live.reader import Readers
from app.live.transport import DirectConnection
from tests.live.transport.peer import CLOSE, TEXT, goodbye, text, upgraded
from tests.live.transport.served import BUDGET, Echo, Served

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


KINDS = AsgiConnection, BoundedHttp, Compressing, DirectConnection, ServerProtocol


@pytest.mark.parametrize("end", ["goodbye", "leaves", "leaves within a frame", "is cut off"])
async def test_what_is_over_is_freed_though_nobody_looks_for_garbage(
    application: Served, end: str
) -> None:
    """Old garbage is hardly ever looked for, and none of what a snapshot has set apart."""
    await one_connection(application, "leaves")  # what is kept for the next one is there
    gc.collect()
    gc.disable()
    try:
        before = living()
        for _ in range(2):
            await one_connection(application, end)
        async with asyncio.timeout(5):
            while living() > before:  # noqa: ASYNC110 - nobody tells when
                await asyncio.sleep(0.01)
    finally:
        gc.enable()


async def one_connection(application: Served, end: str) -> None:
    async with upgraded(application.port) as client:
        await client.send(text("a"))
        await client.read()
        echo = await application.latest()
        match end:
            case "goodbye":
                await client.send(goodbye())
                await client.read_all()
            case "leaves within a frame":
                await client.send(text("x" * 10_000)[:-1])
            case "is cut off":
                echo.connection.abort()
                await client.read_all()
    await asyncio.wait_for(echo.over.wait(), 5)
    application.receivers.clear()


def living() -> int:
    """How many of these are in memory, garbage included."""
    return sum(issubclass(type(each), KINDS) for each in gc.get_objects())


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


class Nowhere(asyncio.Transport):
    """What carries nothing."""

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        """It tells nobody anything."""

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """It has no buffer."""

    def is_closing(self) -> bool:
        """It is."""
        return True


def direct() -> DirectConnection:
    connection = DirectConnection(Nowhere(), set(), Readers(MUCH), MUCH)
    connection.open()
    return connection


async def test_whoever_serves_a_client_that_is_gone_already_is_told_so() -> None:
    connection = direct()
    echo = Echo(connection, Keepalive(1))
    connection.connection_lost(None)
    connection.serve(echo)
    await asyncio.wait_for(echo.over.wait(), 10)

    assert echo.codes == [1006]


async def test_a_client_that_takes_what_waited_for_it_has_been_heard_of() -> None:
    connection = direct()
    connection.pause_writing()
    connection.heard = before = -1.0
    connection.resume_writing()

    assert connection.heard > before


class Gone:
    """A client of some server's that is gone when it is written to."""

    def __init__(self) -> None:
        self.scope: Scope = {}

    async def receive(self) -> AsgiMessage:
        """That it is gone."""
        return {"type": "websocket.disconnect", "code": 1006}

    async def send(self, message: AsgiMessage) -> None:
        """It cannot be."""
        raise OSError("it is gone")


async def test_a_client_that_is_gone_is_noticed_though_nothing_is_read_from_it() -> None:
    connection = AsgiConnection(Gone(), MUCH)
    echo = Echo(connection, Keepalive(1))
    connection.pause_reading()
    connection.write(KILOBYTE)
    await asyncio.wait_for(connection.serve(echo), 10)

    assert echo.codes == [1006]


class Mute(Gone):
    """A client of some server's that takes everything, and says nothing."""

    async def receive(self) -> AsgiMessage:
        """Nothing."""
        await asyncio.Event().wait()
        return {}

    async def send(self, message: AsgiMessage) -> None:
        """It has it."""


async def test_a_client_that_does_not_answer_the_goodbye_is_not_waited_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("app.live.asgi.GRACE_SECONDS", 0.01)
    connection = AsgiConnection(Mute(), MUCH)
    echo = Echo(connection, Keepalive(1))
    connection.close(4401, "the token has expired")
    await asyncio.wait_for(connection.serve(echo), 10)

    assert echo.codes == [4401]


class Failing(Mute):
    """A client of some server's that fails where it is asked what comes from it."""

    async def receive(self) -> AsgiMessage:
        """Fail."""
        raise ValueError("a mistake, on purpose")


async def test_the_end_is_told_when_a_server_fails_too_and_the_failure_is_not_hidden() -> None:
    connection = AsgiConnection(Failing(), MUCH)
    echo = Echo(connection, Keepalive(1))

    with pytest.raises(ValueError, match="on purpose"):
        await connection.serve(echo)

    assert echo.codes == [1006]
