"""Clients that ask for too much, too fast: each is sent away, and nobody else notices."""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from websockets.asyncio.client import ClientConnection, connect

from tests.attacks.watch import at_rest, faults, resident_bytes
from tests.live.transport.peer import PING, PONG, frame, more, text, upgraded
from tests.service import Service
from tests.talk import Talk

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

MIB = 1024 * 1024
RATED = {"APP_COMMANDS_PER_SECOND": "20", "APP_COMMAND_BURST": "40"}
REVOKE = {"RevokeTokens": {"user_id": "mallory"}}
COMMAND = json.dumps({"type": "command", "action": REVOKE})
PING_MESSAGE = json.dumps({"type": "ping"})
PONG_MESSAGE = json.dumps({"type": "pong"})
TOO_MANY_INVALID, TOO_SLOW, TOO_FAST = 1008, 4008, 4009


@asynccontextmanager
async def serving(folder: Path, **settings: str) -> AsyncIterator[Service]:
    """The service, bounded as this test needs it."""
    running = await asyncio.to_thread(Service(folder, **settings).start)
    try:
        yield running
        assert faults(running) == []
    finally:
        await asyncio.to_thread(running.kill)


async def end_of(socket: ClientConnection) -> tuple[Counter[str], int | None]:
    """How often each code or type is heard until the service closes; and with what."""
    messages = await Talk(socket).rest()
    words = Counter(message.get("code", message["type"]) for message in messages)
    return words, socket.close_code


@pytest.mark.parametrize(
    ("flood", "code"),
    [
        ([COMMAND], TOO_FAST),
        ([PING_MESSAGE], TOO_FAST),
        ([PONG_MESSAGE], TOO_FAST),
        ([json.dumps({"type": "subscribe", "since": 0})], TOO_FAST),
        (["rubbish"], TOO_MANY_INVALID),
        (["rubbish", COMMAND], TOO_FAST),
        (["rubbish", PING_MESSAGE], TOO_MANY_INVALID),
        (["rubbish"] * 19 + [COMMAND], TOO_FAST),
    ],
    ids=["commands", "pings", "pongs", "subscribes", "rubbish", "commands and rubbish",
         "pings and rubbish", "nineteen of rubbish to a command"],
)  # fmt: skip
async def test_a_flood_ends_the_connection_and_disturbs_nobody(
    tmp_path: Path, flood: list[str], code: int
) -> None:
    async with (
        serving(tmp_path, **RATED) as service,
        connect(f"{service.ws}/ws?user=ada&role=operator") as polite,
    ):
        async with connect(f"{service.ws}/ws?user=eve&role=operator") as socket:
            for message in flood * (4000 // len(flood)):
                await socket.send(message)
            words, ended = await asyncio.wait_for(end_of(socket), 20)
        *_, answer = await asyncio.wait_for(Talk(polite).command(REVOKE), 10)

        assert ended == code, words
        assert answer["type"] == "ack"


@pytest.mark.parametrize(
    "flood",
    [frame(PING, b"are you there"), frame(PONG), more(" ", fin=False)],
    ids=["pings", "pongs", "fragments"],
)
async def test_a_flood_of_frames_that_are_no_messages_ends_the_connection(
    tmp_path: Path, flood: bytes
) -> None:
    async with (
        serving(tmp_path, **RATED) as service,
        connect(f"{service.ws}/ws?user=ada&role=operator") as polite,
    ):
        async with upgraded(service.port, "/ws") as client:
            client.writer.write(text("", fin=False) + flood * 60_000)
            *_, last = await client.read_all()
        *_, answer = await asyncio.wait_for(Talk(polite).command(REVOKE), 10)

        assert last.code == TOO_FAST
        assert answer["type"] == "ack"


def flood_of_pings() -> bytes:
    return frame(PING, b"x" * 125) * 100_000


def flood_of_commands() -> bytes:
    """Whose answers wait until everything that was missed has been told."""
    commands = (json.dumps(json.loads(COMMAND) | {"id": str(n)}) for n in range(6000))
    return text('{"type": "subscribe", "since": 0}') + b"".join(map(text, commands))


@pytest.mark.parametrize(
    ("flood", "code"), [(flood_of_pings, TOO_FAST), (flood_of_commands, TOO_SLOW)]
)
async def test_a_client_that_reads_nothing_is_sent_away_before_its_answers_fill_the_memory(
    tmp_path: Path, flood: Callable[[], bytes], code: int
) -> None:
    async with serving(tmp_path) as service:
        async with connect(f"{service.ws}/ws") as socket:
            for _ in range(4000):
                await socket.send(COMMAND)
            await Talk(socket).command(REVOKE)
        before, resident = await at_rest(service), resident_bytes(service)

        async with upgraded(service.port, "/ws") as deaf:
            deaf.writer.transport.pause_reading()  # type: ignore[attr-defined]
            deaf.writer.write(flood())
            async with asyncio.timeout(20):
                while f"code={code}" not in service.words():  # noqa: ASYNC110 - another process says it
                    await asyncio.sleep(0.1)

        assert await at_rest(service, before) == before
        assert resident_bytes(service) - resident < 32 * MIB
