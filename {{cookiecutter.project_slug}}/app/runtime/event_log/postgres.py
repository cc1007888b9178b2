"""The event log in a Postgres database, shared by the processes of many machines."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import orjson
import psycopg
import structlog

from app.core.rejected import StartRefused
from app.runtime.event_log import postgres_snapshots
from app.runtime.event_log.announcements import Announcements
from app.runtime.event_log.growth import Growth
from app.runtime.event_log.port import (
    AnswerLost,
    Conflict,
    Entry,
    LogUnavailable,
    Row,
    Snapshot,
)
from app.runtime.event_log.postgres_doubt import Doubt, backend_of
from app.runtime.event_log.postgres_leases import PostgresLeases
from app.runtime.event_log.postgres_line import (
    Broken,
    Connection,
    Line,
    Postgres,
    Useless,
    in_time,
)
from app.runtime.event_log.postgres_notifications import Notifications, pieces_of
from app.runtime.event_log.postgres_tables import make_tables
from app.runtime.event_log.postgres_text import with_nul, without_nul

# Of two writers at once, the second waits for the first to commit, and meets its positions then.
APPEND = """
    WITH stored AS (
        INSERT INTO event_log SELECT * FROM json_populate_recordset(null::event_log, %s)
        WHERE (SELECT coalesce(max(position), 0) FROM event_log) = %s RETURNING position
    )
    SELECT pg_notify(%s, 'grown ' || max(position)) FROM stored HAVING count(*) > 0
"""
# Whatever the database does by default: of nodes that meet, one has the conflict that APPEND tells.
READ_COMMITTED = "SET default_transaction_isolation = 'read committed'"
READ = "SELECT * FROM event_log WHERE position > %s ORDER BY position LIMIT %s"
END = "SELECT coalesce(max(position), 0) FROM event_log"
SAME = """
    SELECT epoch, (SELECT coalesce(max(position), 0) FROM event_log),
        (SELECT command FROM event_log WHERE position = %s)
    FROM event_log_epoch
"""
# What is lost with the server is no loss: whoever would have heard it is cut off, too.
ANNOUNCE = """
    SELECT set_config('synchronous_commit', 'off', true), pg_notify(%s, piece)
    FROM unnest(%s::text[]) WITH ORDINALITY AS pieces (piece, number) ORDER BY number
"""
# What says that a connection is of no use any more, or that its server takes nothing for now.
BROKEN = (
    psycopg.OperationalError,
    psycopg.InterfaceError,
    psycopg.errors.ReadOnlySqlTransaction,
    TimeoutError,
)

log = structlog.get_logger(__name__)


class PostgresLog:
    """One table, whose primary key gives each position once.

    Three connections: appends, all else, and LISTEN. A notification only wakes whoever reads.
    """

    is_shared = True

    def __init__(self, url: str) -> None:
        """Raises StartRefused when this is no address of a database."""
        self.epoch = ""
        self._database = Postgres(url)
        self._writing = Line(self._database, self._open)
        self._aside = Line(self._database, self._open)
        self._node = secrets.token_hex(8)
        self._doubt = Doubt(self._database, self._aside)
        self._leases = PostgresLeases(self._aside, self._node)
        self._seen = 0, ""  # the newest entry that was seen: its position and its command
        self._growth, self._announcements = Growth(), Announcements()
        self._notifications = Notifications(self._node, self._growth, self._announcements)
        self._listening: asyncio.Task[None] | None = None

    async def connect(self) -> None:
        """Reach the database, and make the tables when there are none; raises LogUnavailable."""
        try:
            async with self._one_connection() as connection, in_time():
                self.epoch = await make_tables(connection, self._database)
        except Useless as problem:
            raise StartRefused(f"{problem}; look at what APP_EVENT_LOG says") from None
        began: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._listening = asyncio.create_task(self._listen(began), name="postgres-listen")
        await began

    async def append(self, expected: int, entries: Sequence[Entry]) -> None:
        """Store all entries or none, durably; raises Conflict unless the log ends at `expected`."""
        await self._doubt.end()
        rows = orjson.dumps([_row_of(entry) for entry in entries]).decode()
        try:
            stored = await self._writing.run(APPEND, rows, expected, self._channel)
        except Broken as broken:
            self._doubt.begin(broken.backend)
            raise AnswerLost(str(broken)) from None
        except psycopg.errors.UniqueViolation as problem:
            if problem.diag.constraint_name != "event_log_pkey":
                raise
            raise Conflict("another node was faster") from None
        if not stored:
            raise Conflict(f"the log does not end at {expected}")
        self._see(entries)
        self._growth.appended(entries)

    async def read(self, after: int, limit: int) -> Sequence[Entry]:
        """At most `limit` entries from the one after position `after`; raises LogUnavailable."""
        await self._doubt.end()
        entries = [_entry_of(row) for row in await self._aside.read(READ, after, limit)]
        self._see(entries)
        return entries

    async def end(self) -> int:
        """The position of the last entry; raises LogUnavailable."""
        await self._doubt.end()
        return int((await self._aside.run(END))[0][0])

    def tail(self, after: int) -> AsyncIterator[Sequence[Entry]]:
        """Every entry after a position, as they are appended by whatever node."""
        return self._growth.tail(self.read, after)

    async def save_snapshot(
        self, position: int, fingerprint: str, rows: AsyncIterator[Sequence[Row]]
    ) -> None:
        """Store a snapshot in place of the one before, in one transaction."""
        async with self._one_connection() as connection:
            await postgres_snapshots.save(connection, position, fingerprint, rows)

    async def load_snapshot(self, fingerprint: str | None) -> Snapshot | None:
        """The snapshot, if there is one and this fingerprint is its own, or None is given."""
        async with self._one_connection() as connection:
            return await postgres_snapshots.load(connection, fingerprint)

    async def claim(self, name: str, seconds: float) -> int | None:
        """Take or renew the lease of this name; its term, or None: another has it."""
        return await self._leases.claim(name, seconds)

    async def release(self, name: str) -> None:
        """Let another node have the lease at once, if this one has it; raises LogUnavailable."""
        await self._leases.release(name)

    async def announce(self, text: str) -> None:
        """Tell all other nodes, in as many notifications as it takes; raises LogUnavailable."""
        pieces = pieces_of(text, self._node)
        await self._aside.run(ANNOUNCE, self._channel, pieces)

    def announcements(self) -> AsyncIterator[str]:
        """What other nodes announce from now on."""
        return self._announcements.from_now_on()

    async def close(self) -> None:
        """End the connections."""
        if self._listening is not None:
            self._listening.cancel()
            await asyncio.wait([self._listening])
        await self._writing.close()
        await self._aside.close()

    @property
    def _channel(self) -> str:
        return f"event_log_{self.epoch}"

    @asynccontextmanager
    async def _one_connection(self) -> AsyncIterator[Connection]:
        """A connection for one purpose; raises LogUnavailable, also when it breaks."""
        connection = await self._open()
        try:
            yield connection
        except (psycopg.Error, TimeoutError) as problem:
            if not isinstance(problem, BROKEN) and not connection.closed:
                raise
            raise LogUnavailable(self._database.words(problem)) from None
        finally:
            await connection.close()  # which asks nothing of a server that may not answer

    async def _open(self) -> Connection:
        """A connection to the same log as before; raises LogUnavailable or StartRefused."""
        connection = await self._database.open()
        try:
            async with in_time():
                await connection.execute(READ_COMMITTED)
                if self.epoch:
                    await self._require_same(connection)
                    connection.backend = await backend_of(connection)
        except BROKEN as problem:
            await connection.close()
            raise LogUnavailable(self._database.words(problem)) from None
        except BaseException:
            await connection.close()
            raise
        return connection

    async def _require_same(self, connection: Connection) -> None:
        """Raises StartRefused when this is another log, LogUnavailable when it lacks its end.

        Which it does after a failover to a server that did not have it yet, unless that is still
        to get it. Once others have written on, what this node knows is not so any more.
        """
        position, command = self._seen
        found = await (await connection.execute(SAME, (position,))).fetchone()
        epoch, end, there = found or ("", 0, None)
        if epoch != self.epoch or there not in (None, command):
            raise StartRefused(self._database.words("it was replaced by another log"))
        if end < position:
            words = f"it ends at {end}, and was seen to end at {position}"
            raise LogUnavailable(self._database.words(words))

    def _see(self, entries: Sequence[Entry]) -> None:
        if entries and entries[-1].position > self._seen[0]:
            self._seen = entries[-1].position, entries[-1].command

    async def _listen(self, began: asyncio.Future[None]) -> None:
        """Hear that the log has grown, and what others announce; again after each lost connection.

        Whoever tails the log looks for itself meanwhile. `began` is given what keeps it from
        hearing anything at all: then it ends, and whoever connects tries again.
        """
        while True:
            try:
                async with self._one_connection() as connection:
                    async with in_time():
                        await connection.execute(f'LISTEN "{self._channel}"'.encode())
                    if not began.done():
                        began.set_result(None)
                    self._growth.told()  # of what was not heard
                    async for notify in connection.notifies():
                        self._notifications.hear(notify.payload)
            except Exception as problem:  # of any kind: nobody else would ever hear of it
                if not began.done():
                    began.set_exception(problem)
                    return
                is_known = isinstance(problem, LogUnavailable | StartRefused)
                fault = None if is_known else problem
                log.warning("the event log cannot be heard", problem=str(problem), exc_info=fault)
            await asyncio.sleep(0.2 + secrets.randbelow(800) / 1000)


def _row_of(entry: Entry) -> dict[str, Any]:
    row = entry._asdict()
    for name in "cause", "outcome":
        if row[name] is not None:
            row[name] = without_nul(row[name])
    return row


def _entry_of(row: tuple[Any, ...]) -> Entry:
    entry = Entry._make(row)
    if "\x1a" in (entry.cause or "") + (entry.outcome or ""):
        cause, outcome = with_nul(entry.cause or ""), with_nul(entry.outcome or "")
        return entry._replace(cause=cause or entry.cause, outcome=outcome or entry.outcome)
    return entry
