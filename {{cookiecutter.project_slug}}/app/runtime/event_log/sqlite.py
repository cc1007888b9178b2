"""The embedded event log: one SQLite file, one writer, every append on disk before it returns."""

import asyncio
import secrets
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache
from itertools import chain
from pathlib import Path
from time import monotonic
from typing import TypeVar

from app.runtime.event_log.announcements import Announcements, require_announceable
from app.runtime.event_log.growth import Growth
from app.runtime.event_log.leases import Lease, Watch
from app.runtime.event_log.neighbours import Neighbours
from app.runtime.event_log.port import Conflict, Entry, LogFull, LogUnavailable, Row, Snapshot
from app.runtime.event_log.sqlite_file import COLUMNS, end_of, epoch_of, open_file, snapshot_of

PLACES = ", ".join("?" for _ in Entry._fields)
SELECT = f"SELECT {COLUMNS} FROM log WHERE position > ? ORDER BY position LIMIT ?"  # noqa: S608
GROWN = b"g"
ANNOUNCED = b"a"
INSERT_ROW = "INSERT INTO snapshot_row VALUES (?, ?, ?)"
INSERT_SNAPSHOT = "INSERT INTO snapshot VALUES (?, ?)"
# In pieces, so that no commit waits long for it.
DELETE_USELESS_ROWS = """
    DELETE FROM snapshot_row WHERE rowid IN (
        SELECT rowid FROM snapshot_row
        WHERE position NOT IN (SELECT position FROM snapshot) LIMIT 64
    )
"""
# Which save of a snapshot has begun last: a lease that has no end.
BEGIN_SAVE = "REPLACE INTO lease VALUES ('snapshot', ?, 0, 0)"
LAST_SAVE = "SELECT holder FROM lease WHERE name = 'snapshot'"
ENTRIES_AN_INSERT = 100  # a statement is kept for each number, of which sqlite3 keeps 128
NOTHING_STORED = {
    sqlite3.SQLITE_FULL: "the disk is full",
    sqlite3.SQLITE_BUSY: "another program has locked the event log",
}
T = TypeVar("T")


class SqliteLog:
    """One table; all statements run in one thread, because a commit waits for the disk.

    Several processes of one machine may share the file. Each append wakes the others by a datagram
    (20 µs for each of them); one whose sender died before it could send it is found within a
    second. The tables are the truth, whatever arrives.
    """

    def __init__(self, path: Path, *, shared: bool = False) -> None:
        """Open the file at `path`, made with its folder when absent.

        Raises StartRefused when another process has it open, unless both said that they share it,
        and when it is not an event log.
        """
        self._connection, self._lock = open_file(path, shared=shared)
        self.epoch = epoch_of(self._connection)
        self._path, self.is_shared = path, shared
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="event-log")
        self._node = secrets.token_hex(8)
        self._watch = Watch(self._node)
        self._growth, self._announcements = Growth(), Announcements()
        self._neighbours: Neighbours | None = None

    async def connect(self) -> None:
        """The file is open; hear of its neighbours, if it may have any."""
        if self.is_shared and self._neighbours is None:
            self._neighbours = Neighbours(self._path, self._received)

    async def append(self, expected: int, entries: Sequence[Entry]) -> None:
        """Store all entries or none, durably; raises Conflict unless the log ends at `expected`."""
        await self._run(lambda: self._append(expected, entries))
        self._growth.appended(entries)
        if self._neighbours is not None:
            self._neighbours.notify(GROWN + b"%d" % entries[-1].position)

    async def read(self, after: int, limit: int) -> Sequence[Entry]:
        """At most `limit` entries from the one after position `after`."""
        return await self._run(lambda: self._read(after, limit))

    async def end(self) -> int:
        """The position of the last entry."""
        return await self._run(lambda: end_of(self._connection))

    def tail(self, after: int) -> AsyncIterator[Sequence[Entry]]:
        """Every entry after a position, as they are appended by whatever process."""
        return self._growth.tail(self.read, after)

    async def save_snapshot(
        self, position: int, fingerprint: str, rows: AsyncIterator[Sequence[Row]]
    ) -> None:
        """Store a snapshot in place of the one before, in many small transactions.

        It counts from the one on that names it; what a crash left of another one is taken away. Of
        two saves at once the later one goes on, and the other fails. Rows are known by their
        position, so that a snapshot at the same one is taken away first.
        """
        save = secrets.token_hex(8)
        await self._write(BEGIN_SAVE, [(save,)])
        await self._write_of(save, ("DELETE FROM snapshot WHERE position = ?", [(position,)]))
        await self._delete_useless_rows(save)
        async for some in rows:
            await self._write_of(save, (INSERT_ROW, [(position, *row) for row in some]))
        named = INSERT_SNAPSHOT, [(position, fingerprint)]
        await self._write_of(save, ("DELETE FROM snapshot", [()]), named)
        await self._delete_useless_rows(save)

    async def load_snapshot(self, fingerprint: str | None) -> Snapshot | None:
        """The snapshot, if there is one and this fingerprint is its own, or None is given."""
        return await self._run(lambda: snapshot_of(self._connection, fingerprint))

    async def claim(self, name: str, seconds: float) -> int | None:
        """Take or renew the lease of this name; its term, or None: another has it."""
        return await self._run(lambda: self._claim(name, seconds))

    async def release(self, name: str) -> None:
        """Let another process have the lease at once, if this one has it."""
        self._watch.released(name)
        release = "UPDATE lease SET holder = NULL WHERE name = ? AND holder = ?"
        await self._write(release, [(name, self._node)])

    async def announce(self, text: str) -> None:
        """Tell all other processes that share the file; at most once."""
        data = require_announceable(text)
        if self._neighbours is not None:
            await self._neighbours.send(ANNOUNCED + data)

    def announcements(self) -> AsyncIterator[str]:
        """What other processes announce from now on."""
        return self._announcements.from_now_on()

    async def close(self) -> None:
        """Finish the write under way, close the file and let go of the lock."""
        if self._neighbours is not None:
            self._neighbours.close()
        await self._run(self._connection.close)
        self._thread.shutdown()
        self._lock.close()

    async def _run(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)

    def _append(self, expected: int, entries: Sequence[Entry]) -> None:
        """Few entries are one statement, which is a transaction by itself.

        After each statement this thread waits for its turn to run Python, and while it waits the
        event loop is disturbed whenever it lets go of its own.
        """
        if len(entries) <= ENTRIES_AN_INSERT:
            with self._in_words():
                self._insert(self._connection, expected, entries)
            return
        with self._transaction() as transaction:
            for first in range(0, len(entries), ENTRIES_AN_INSERT):
                some = entries[first : first + ENTRIES_AN_INSERT]
                self._insert(transaction, expected + first, some)

    def _insert(
        self, connection: sqlite3.Connection, expected: int, entries: Sequence[Entry]
    ) -> None:
        values = [*chain.from_iterable(entries), expected]
        if connection.execute(_insertion(len(entries)), values).rowcount == 0:
            raise Conflict(f"the log ends at {end_of(connection)}, not at {expected}")

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        """All of it or nothing; raises LogFull when there was no room or no turn."""
        with self._in_words(), self._connection as transaction:
            transaction.execute("BEGIN IMMEDIATE")
            yield transaction

    @contextmanager
    def _in_words(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.OperationalError as problem:
            words = NOTHING_STORED.get(problem.sqlite_errorcode)
            if words is None:
                raise
            raise LogFull(words) from problem

    def _claim(self, name: str, seconds: float) -> int | None:
        asked = monotonic()
        with self._transaction() as transaction:
            row = transaction.execute("SELECT * FROM lease WHERE name = ?", (name,)).fetchone()
            _, holder, old_term, renewal = row or (name, None, 0, 0)
            term = self._watch.term(name, Lease(holder, old_term, renewal), seconds)
            if term is None:
                return None
            lease = name, self._node, term, renewal + 1
            transaction.execute("REPLACE INTO lease VALUES (?, ?, ?, ?)", lease)
        self._watch.renewed(name, asked)
        return term

    def _received(self, data: bytes) -> None:
        if data.startswith(ANNOUNCED):
            self._announcements.hear(data.removeprefix(ANNOUNCED).decode())
        else:
            self._growth.told(int(data.removeprefix(GROWN)))

    def _read(self, after: int, limit: int) -> list[Entry]:
        return list(map(Entry._make, self._connection.execute(SELECT, (after, limit))))

    async def _write(self, statement: str, rows: Sequence[tuple[object, ...]]) -> None:
        def write() -> None:
            with self._transaction() as transaction:
                transaction.executemany(statement, rows)

        await self._run(write)

    async def _write_of(self, save: str, *writes: tuple[str, Sequence[tuple[object, ...]]]) -> int:
        """A part of a save, unless another has begun; how many rows its last statement touched."""

        def write() -> int:
            touched = 0
            with self._transaction() as transaction:
                if transaction.execute(LAST_SAVE).fetchone() != (save,):
                    raise LogUnavailable("another process saves a snapshot")
                for statement, rows in writes:
                    touched = transaction.executemany(statement, rows).rowcount
            return touched

        return await self._run(write)

    async def _delete_useless_rows(self, save: str) -> None:
        while await self._write_of(save, (DELETE_USELESS_ROWS, [()])):
            pass


@cache
def _insertion(count: int) -> str:
    """One statement for so many entries, which stores none unless the log ends where it should."""
    rows = ", ".join([f"({PLACES})"] * count)
    end = "SELECT ifnull(max(position), 0) FROM log"
    return f"INSERT INTO log ({COLUMNS}) SELECT * FROM (VALUES {rows}) WHERE ({end}) = ?"  # noqa: S608
