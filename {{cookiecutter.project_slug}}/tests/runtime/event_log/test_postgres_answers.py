"""What a node does about a Postgres server that does not answer, or not yet."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import psycopg
import pytest

from app.runtime.event_log import open_event_log, postgres_line
from app.runtime.event_log.port import AnswerLost, LogUnavailable
from tests.runtime.event_log.conftest import Node
from tests.runtime.event_log.entries import entries

pytestmark = [pytest.mark.anyio, pytest.mark.slow, pytest.mark.parametrize("engine", ["postgres"])]

SECONDS = 10


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test waits ten seconds for an answer."""
    monkeypatch.setattr(postgres_line, "ANSWER_SECONDS", 0.2)


@asynccontextmanager
async def locked(url: str, table: str) -> AsyncIterator[None]:
    """Somebody has a table all to himself, as VACUUM FULL has."""
    async with await psycopg.AsyncConnection.connect(url) as somebody:
        await somebody.execute(f"LOCK {table} IN ACCESS EXCLUSIVE MODE".encode())
        yield


@pytest.mark.usefixtures("impatient")
async def test_nothing_waits_without_end_for_a_connection_to_be_made_again(
    node: Node, url: str
) -> None:
    log = await node()
    await log.append(0, entries(1, 1))

    async with locked(url, "event_log"), asyncio.timeout(SECONDS):
        with pytest.raises(AnswerLost, match=r"no answer in 0\.2 seconds"):
            await log.append(1, entries(2, 2))
        for _ in range(2):  # the first of them breaks off, and the second finds no connection
            with pytest.raises(LogUnavailable, match=r"no answer in 0\.2 seconds"):
                await log.read(0, 1)
        for call in log.claim("effects", 6), log.announce("x"), log.append(1, entries(2, 2)):
            with pytest.raises(LogUnavailable, match=r"no answer in 0\.2 seconds"):
                await call

    assert await log.read(0, 9) == entries(1, 1)
    await log.append(1, entries(2, 2))


@pytest.mark.usefixtures("impatient")
async def test_who_connects_does_not_wait_without_end(node: Node, url: str) -> None:
    await node()
    late = open_event_log(url)

    async with locked(url, "event_log_epoch"), asyncio.timeout(SECONDS):
        with pytest.raises(LogUnavailable, match=r"no answer in 0\.2 seconds"):
            await late.connect()

    await late.connect()
    await late.close()


async def test_what_is_urgent_does_not_wait_for_all_who_read(node: Node) -> None:
    log = await node()
    await log.append(0, entries(1, 1000))
    reads = [asyncio.create_task(log.read(0, 1000)) for _ in range(50)]
    await asyncio.sleep(0)  # they all stand in line

    assert await log.claim("effects", 6) == 1
    assert await log.end() == 1000
    await log.release("effects")

    assert sum(read.done() for read in reads) <= 6
    assert [len(found) for found in await asyncio.gather(*reads)] == [1000] * 50
