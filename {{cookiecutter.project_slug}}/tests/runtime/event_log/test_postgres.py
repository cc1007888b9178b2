"""What is true of the Postgres engine alone."""

from __future__ import annotations

import asyncio
import secrets
import tracemalloc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import psycopg
import pytest

from app.core.rejected import StartRefused
from app.runtime.event_log import open_event_log, postgres_line
from app.runtime.event_log.announcements import Announcements
from app.runtime.event_log.growth import Growth
from app.runtime.event_log.port import AnswerLost, LogUnavailable, Row
from app.runtime.event_log.postgres import PostgresLog
from app.runtime.event_log.postgres_line import Connection
from app.runtime.event_log.postgres_notifications import (
    MOST_PIECES,
    PIECE_CHARACTERS,
    Notifications,
    pieces_of,
)
from tests.runtime.event_log import servers
from tests.runtime.event_log.conftest import new_database
from tests.runtime.event_log.entries import entries, entry, positions, write_on
from tests.runtime.event_log.servers import Server
from tests.runtime.event_log.test_conformance import said

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

SECONDS = 20


class Stumbling(PostgresLog):
    """A node whose listener meets a fault: when it connects, or when it hears something."""

    fault: Exception | None = None
    opened = 0
    stumbles_at = 0

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.stumbled = asyncio.Event()
        self._hear = self._notifications.hear
        self._notifications.hear = self.stumble  # type: ignore[method-assign]

    async def _open(self) -> Connection:
        self.opened += 1
        if self.fault is not None and self.opened == self.stumbles_at:
            raise self.fault
        return await super()._open()

    def stumble(self, payload: str) -> None:
        """Hear something."""
        if self.fault is not None and not self.stumbles_at:
            fault, self.fault = self.fault, None
            self.stumbled.set()
            raise fault
        self._hear(payload)


@pytest.fixture
async def url(postgres: Server) -> str:
    return await new_database(postgres.port)


@asynccontextmanager
async def hearing(log: PostgresLog, url: str) -> AsyncIterator[None]:
    """Another node says something, until this one has heard it after all that was done here."""
    other = open_event_log(url)
    await other.connect()
    heard = log.announcements()
    try:
        yield
        async with asyncio.timeout(SECONDS):
            while not await said(other, heard):
                heard = log.announcements()
    finally:
        await other.close()
        await log.close()


async def notify(url: str, log: PostgresLog, words: str) -> None:
    """Say something to all nodes, as anybody can who may use the database."""
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as anybody:
        await anybody.execute("SELECT pg_notify(%s, %s)", (f"event_log_{log.epoch}", words))


async def test_nothing_that_is_said_in_the_database_disturbs_the_listening(
    url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    log = PostgresLog(url)
    await log.connect()

    async with hearing(log, url):
        for words in (
            "grown " + "9" * 5_000,
            "grown ",
            "grown x",
            "grown \u0663",
            "more",
            "",
            "a b c",
        ):
            await notify(url, log, words)

    printed = capsys.readouterr()
    assert "cannot be heard" not in printed.out + printed.err


@pytest.mark.parametrize(
    "fault", [RuntimeError("a mistake"), psycopg.InterfaceError("the connection is busy")]
)
async def test_a_listener_that_fails_says_so_and_listens_again(
    url: str, fault: Exception, capsys: pytest.CaptureFixture[str]
) -> None:
    log = Stumbling(url)
    await log.connect()

    async with hearing(log, url):
        log.fault = fault
        await notify(url, log, "grown 1")
        async with asyncio.timeout(SECONDS):
            await log.stumbled.wait()

    printed = capsys.readouterr()
    assert "the event log cannot be heard" in printed.out + printed.err
    assert str(fault) in printed.out + printed.err


@pytest.mark.parametrize("fault", [LogUnavailable("it went away"), RuntimeError("it is odd")])
async def test_who_connects_and_cannot_listen_is_told_so_and_may_try_again(
    url: str, fault: Exception
) -> None:
    log = Stumbling(url)
    log.fault, log.stumbles_at = fault, 2

    with pytest.raises(type(fault), match=str(fault)):
        async with asyncio.timeout(SECONDS):
            await log.connect()
    log.fault = None
    await log.connect()

    async with hearing(log, url):
        pass


async def test_a_connection_that_breaks_as_soon_as_it_is_there_is_none(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = PostgresLog(url)
    await log.connect()

    async def broken(_: PostgresLog, connection: Connection) -> None:
        raise psycopg.OperationalError("the server is shutting down")

    with monkeypatch.context() as patched:
        patched.setattr(PostgresLog, "_require_same", broken)
        with pytest.raises(LogUnavailable, match=r"127\.0\.0\.1.*the server is shutting down"):
            await log.read(0, 1)

    assert await log.read(0, 1) == []
    await log.close()


async def test_an_announcement_that_was_cut_off_is_heard_by_nobody() -> None:
    announcements = Announcements()
    notifications = Notifications("own", Growth(), announcements)
    heard = announcements.from_now_on()
    whole = pieces_of("é\0" * 40_000, "a")

    for piece in whole[:5]:  # node a ends under way
        notifications.hear(piece)
    for piece in *pieces_of("b", "b"), *whole[5:], *whole[1:], *whole, *pieces_of("c", "c"):
        notifications.hear(piece)

    assert len(whole) <= MOST_PIECES
    assert [await anext(heard) for _ in range(3)] == ["b", "é\0" * 40_000, "c"]


async def test_what_never_ends_is_not_kept() -> None:
    announcements = Announcements()
    notifications = Notifications("own", Growth(), announcements)
    heard = announcements.from_now_on()

    tracemalloc.start()
    for node in range(20):
        for number in range(500):
            notifications.hear(f"more node{node} {number} {'x' * PIECE_CHARACTERS}")
    kept, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    notifications.hear("last node19 500 x")
    notifications.hear("last b 0 b")

    assert kept < 2 * MOST_PIECES * PIECE_CHARACTERS
    assert await anext(heard) == "b"


async def administer(url: str, *statements: str) -> None:
    """Do what only an administrator does."""
    writes = "-c default_transaction_read_only=off"
    async with await psycopg.AsyncConnection.connect(url, autocommit=True, options=writes) as admin:
        for statement in statements:
            await admin.execute(statement.encode())


CUT_ALL = """
    SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity
    WHERE datname = current_database() AND pid != pg_backend_pid()
"""


async def test_a_server_that_lacks_what_was_seen_is_not_believed(url: str) -> None:
    """As after a failover to a standby that had not got it yet."""
    log, late = PostgresLog(url), PostgresLog(url)
    for each in log, late:
        await each.connect()
    await log.append(0, entries(1, 3))
    assert len(await late.read(0, 2)) == 2
    await administer(url, "DELETE FROM event_log WHERE position = 3", CUT_ALL)

    for _ in range(2):  # the first of them finds that the connection is broken
        with pytest.raises((LogUnavailable, AnswerLost)):
            await log.append(3, entries(4, 4))
        with pytest.raises(LogUnavailable):
            await log.end()
    with pytest.raises(LogUnavailable, match="ends at 2, and was seen to end at 3"):
        await log.end()

    # A node that has not seen it goes on; then what the first one knows is not so any more.
    with suppress(LogUnavailable):
        await late.end()
    await late.append(2, [entries(3, 3)[0]._replace(command="other")])
    with pytest.raises(StartRefused, match="replaced by another"):
        await log.read(0, 9)
    with pytest.raises(StartRefused, match="replaced by another"):
        await log.append(3, entries(4, 4))
    for each in log, late:
        await each.close()


async def test_a_server_that_only_reads_is_waited_for(url: str) -> None:
    """As one that has run out of disk, or gives way to another."""
    log, second = PostgresLog(url), PostgresLog(url)
    await log.connect()
    database = url.rpartition("/")[2]
    setting = f'ALTER DATABASE "{database}" SET default_transaction_read_only = '
    await administer(url, f"{setting} on", CUT_ALL)

    async def rows() -> AsyncIterator[list[Row]]:
        yield [("a", "b")]

    with pytest.raises(LogUnavailable, match="read-only"):
        await second.connect()
    with pytest.raises(LogUnavailable, match="read-only"):
        await log.save_snapshot(1, "x", rows())
    with pytest.raises(LogUnavailable, match="read-only"):
        await log.append(0, entries(1, 1))
    await administer(url, f"{setting} off")

    await log.append(0, entries(1, 1))
    await second.connect()
    assert [entry.position for entry in await second.read(0, 9)] == [1]
    for each in log, second:
        await each.close()


async def test_a_user_who_may_make_no_tables_is_refused_in_words(url: str) -> None:
    name = f"few_{secrets.token_hex(4)}"
    await administer(url, f"CREATE ROLE {name} LOGIN PASSWORD 'few'")
    log = PostgresLog(url.replace("app:secret-9", f"{name}:few"))

    with pytest.raises(StartRefused, match=r"permission denied for schema public: it makes its"):
        await log.connect()
    await log.close()


@pytest.mark.parametrize("encoding", ["LATIN1", "SQL_ASCII"])
async def test_a_database_that_cannot_store_every_text_is_refused(url: str, encoding: str) -> None:
    name = f"log_{secrets.token_hex(4)}"
    which = f"ENCODING '{encoding}' LOCALE 'C' TEMPLATE template0"
    await administer(url, f"CREATE DATABASE {name} {which}")
    log = PostgresLog(f"{url.rpartition('/')[0]}/{name}")

    with pytest.raises(StartRefused, match=rf"{name}: its encoding is {encoding}, not UTF8"):
        await log.connect()
    await log.close()


@pytest.mark.parametrize("isolation", ["serializable", "repeatable read"])
async def test_nodes_that_meet_conflict_whatever_transactions_are_by_default(
    url: str, isolation: str
) -> None:
    database = url.rpartition("/")[2]
    default = f"default_transaction_isolation = '{isolation}'"
    await administer(url, f'ALTER DATABASE "{database}" SET {default}')
    logs = [PostgresLog(url) for _ in range(3)]
    for log in logs:
        await log.connect()

    await asyncio.gather(*(write_on(log, f"w{number}", 10) for number, log in enumerate(logs)))

    assert await positions(logs[0]) == list(range(1, 61))
    for log in logs:
        await log.close()


async def test_an_address_does_not_say_what_can_be_stored(url: str) -> None:
    log = PostgresLog(f"{url}?client_encoding=LATIN1")
    await log.connect()

    await log.append(0, [entry(1, cause="\U0001f600")])

    assert [found.cause for found in await log.read(0, 1)] == ["\U0001f600"]
    await log.close()


async def test_what_no_standby_has_is_not_taken_for_stored(monkeypatch: pytest.MonkeyPatch) -> None:
    """A commit that waits for a standby is there when its wait is broken off."""
    monkeypatch.setattr(postgres_line, "ANSWER_SECONDS", 0.5)
    with servers.postgres() as own:
        url = await new_database(own.port)
        log = PostgresLog(url)
        await log.connect()
        await log.append(0, entries(1, 1))
        reload = "SELECT pg_reload_conf()"
        await administer(url, "ALTER SYSTEM SET synchronous_standby_names = 'nobody'", reload)
        end = await until_unsure(log)

        with pytest.raises(LogUnavailable):
            await log.read(0, 1000)
        await administer(
            url,
            "SET synchronous_commit = local",
            "ALTER SYSTEM RESET synchronous_standby_names",
            reload,
        )
        async with asyncio.timeout(SECONDS):
            while True:
                with suppress(LogUnavailable):
                    assert len(await log.read(0, 1000)) == end
                    break
        await log.close()


async def until_unsure(log: PostgresLog) -> int:
    """Append until no answer comes; the position of what nobody knows of."""
    for end in range(2, 1000):
        try:
            await log.append(end - 1, entries(end, end))
        except AnswerLost:
            return end
    raise TimeoutError
