"""What a node does about a Postgres server that does not answer, or not yet."""

from __future__ import annotations

import asyncio
import os
import secrets
import signal
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import psycopg
import pytest

from app.runtime.event_log import open_event_log, postgres_line
from app.runtime.event_log.port import AnswerLost, LogUnavailable, Row
from app.runtime.event_log.postgres_doubt import REACHED, Doubt, backend_of
from app.runtime.event_log.postgres_line import Line, Postgres
from tests.runtime.event_log.conftest import Node
from tests.runtime.event_log.entries import entries
from tests.runtime.event_log.interrupted import Interrupted
from tests.runtime.event_log.test_conformance import rows_of
from tests.runtime.event_log.test_postgres import administer

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


@pytest.mark.usefixtures("impatient")
async def test_no_snapshot_is_waited_for_without_end(node: Node, url: str) -> None:
    log = await node()
    await log.save_snapshot(1, "tally", rows_of(("total", "1")))

    async with locked(url, "event_log_snapshot"), asyncio.timeout(SECONDS):
        for call in log.load_snapshot(None), log.save_snapshot(2, "tally", rows_of(("total", "2"))):
            with pytest.raises(LogUnavailable, match=r"no answer in 0\.2 seconds"):
                await call

    kept = await log.load_snapshot("tally")
    assert kept is not None
    assert kept.position == 1


@pytest.mark.usefixtures("impatient")
async def test_a_server_that_stops_while_it_takes_a_snapshot_is_given_up(
    node: Node, url: str
) -> None:
    log = await node()
    stopped: list[int] = []

    async def rows() -> AsyncIterator[Sequence[Row]]:
        yield [("total", "1")] * 100
        stopped.extend(await at_work(url))
        os.kill(stopped[0], signal.SIGSTOP)
        yield [("total", "2")]

    try:
        async with asyncio.timeout(3 * SECONDS):
            with pytest.raises(LogUnavailable, match=r"no answer in 0\.2 seconds"):
                await log.save_snapshot(1, "tally", rows())
    finally:
        for pid in stopped:
            os.kill(pid, signal.SIGCONT)

    assert await log.load_snapshot(None) is None
    await log.save_snapshot(2, "tally", rows_of(("total", "2")))


async def test_a_snapshot_that_the_server_ends_is_not_the_end_of_the_service(
    node: Node, url: str
) -> None:
    database = url.rpartition("/")[2]
    timeout = "idle_in_transaction_session_timeout = '20ms'"
    await administer(url, f'ALTER DATABASE "{database}" SET {timeout}')
    log = await node()

    async def rows() -> AsyncIterator[Sequence[Row]]:
        yield [("total", "1")] * 100
        while await at_work(url):  # noqa: ASYNC110 - until the server has ended it
            await asyncio.sleep(0.01)

    async with asyncio.timeout(SECONDS):
        with pytest.raises(LogUnavailable):
            await log.save_snapshot(1, "tally", rows())

    assert await log.load_snapshot(None) is None


async def test_every_server_of_an_address_is_tried(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres_line, "ANSWER_SECONDS", 3.0)
    with socket.create_server(("127.0.0.1", 0)) as deaf:  # it takes connections, and is silent
        silent = f"127.0.0.1:{deaf.getsockname()[1]}"
        several = url.replace("@", f"@{silent},{silent},")

        log = open_event_log(f"{several}?connect_timeout=2")
        await log.connect()
        await log.close()


async def at_work(url: str) -> list[int]:
    """The server's processes that are in a transaction on this database."""
    others = "datname = current_database() AND pid != pg_backend_pid() AND xact_start IS NOT NULL"
    asked = f"SELECT pid FROM pg_stat_activity WHERE {others}"  # noqa: S608 - a constant
    async with await psycopg.AsyncConnection.connect(url) as somebody:
        found = await (await somebody.execute(asked.encode())).fetchall()
    return [int(pid) for (pid,) in found]


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


async def with_few_rights(url: str) -> str:
    """The address for a role that is no administrator."""
    name = f"few_{secrets.token_hex(4)}"
    await administer(url, f"CREATE ROLE {name} LOGIN PASSWORD 'few'")
    return url.replace("app:secret-9", f"{name}:few")


CHECKPOINTER = "SELECT pid FROM pg_stat_activity WHERE backend_type = 'checkpointer'"


@pytest.mark.parametrize("has_few_rights", [False, True])
async def test_a_process_is_not_taken_for_one_that_had_its_pid(
    url: str, has_few_rights: bool
) -> None:
    """As after a start of the server, when pids begin anew."""
    database = Postgres(await with_few_rights(url) if has_few_rights else url)
    line = Line(database, database.open)
    doubt = Doubt(database, line)

    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as another:
        [(lasting,)] = await (await another.execute(CHECKPOINTER)).fetchall()
        for pid in another.info.backend_pid, lasting:
            doubt.begin((pid, 1))
            await doubt.end()
        await another.execute("SELECT")
    await line.close()


async def test_what_is_in_doubt_is_ended_also_by_a_role_with_few_rights(url: str) -> None:
    database = Postgres(await with_few_rights(url))
    line, victim = Line(database, database.open), await database.open()
    doubt = Doubt(database, line)

    doubt.begin(await backend_of(victim))
    await doubt.end()

    with pytest.raises(psycopg.OperationalError):
        await victim.execute("SELECT")
    await line.close()


async def test_a_doubt_that_begins_while_another_ends_is_ended_too(url: str) -> None:
    database = Postgres(url)
    line, victims = Interrupted(database), [await database.open() for _ in range(2)]
    doubt = Doubt(database, line)

    async def begin_again() -> None:
        doubt.begin(await backend_of(victims[1]))

    line.before[REACHED] = begin_again
    doubt.begin(await backend_of(victims[0]))
    await doubt.end()

    for victim in victims:
        with pytest.raises(psycopg.OperationalError):
            await victim.execute("SELECT")
    await line.close()
