"""Each client is asked whether it is there, in the way that it has chosen; who is silent goes."""

import asyncio
from collections.abc import Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from tests.live.figures import becomes, figure
from tests.live.transport.peer import CLOSE, PING, PONG, TEXT, Frame, Peer, frame, text, upgraded
from tests.service import Service

pytestmark = pytest.mark.anyio

SECONDS = 2
BY_FRAMES, BY_MESSAGES = "/ws", "/ws?ping=json"
QUESTION = {BY_FRAMES: (PING, b""), BY_MESSAGES: (TEXT, b'{"type":"ping"}')}
ANSWER = {BY_FRAMES: frame(PONG), BY_MESSAGES: text('{"type":"pong"}')}
GONE = 1011


@pytest.fixture
def services(tmp_path: Path) -> Iterator[list[Service]]:
    """Two that ask often: one keeps its sockets itself, the other leaves them to uvicorn."""
    made = []
    for deflate in "false", "true":
        (folder := tmp_path / deflate).mkdir()
        settings = {"APP_PING_SECONDS": str(SECONDS), "APP_DEFLATE": deflate}
        made.append(Service(folder, **settings).start())
    yield made
    for service in made:
        service.kill()


async def answering(client: Peer, answer: bytes, questions: int) -> list[Frame]:
    """The first questions that it is asked, each of which it answers."""
    heard = []
    for _ in range(questions):
        heard.append(await client.read())
        await client.send(answer)
    return heard


async def asked(service: Service) -> None:
    async with AsyncExitStack() as opened:
        clients = {
            (path, does): await opened.enter_async_context(upgraded(service.port, path))
            for path in QUESTION
            for does in ("answers", "is silent")
        }
        heard = await asyncio.gather(
            *(
                answering(client, ANSWER[path], 2) if does == "answers" else client.read_all()
                for (path, does), client in clients.items()
            )
        )
        await becomes(service, 2, "app_connections")  # those who have answered

    for (path, does), frames in zip(clients, heard, strict=True):
        if does == "answers":
            assert frames == [QUESTION[path]] * 2
        else:
            question, goodbye = frames
            assert question == QUESTION[path]
            assert (goodbye.opcode, goodbye.code) == (CLOSE, GONE)
    assert await figure(service, "app_dropped_clients_total", reason="no_pong") == 2


async def test_each_is_asked_in_its_own_way_and_who_does_not_answer_is_gone_and_counted(
    services: list[Service],
) -> None:
    await asyncio.gather(*map(asked, services))
