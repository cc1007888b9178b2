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
from typing import TypeVar

from app.core.rejected import StartRefused
from app.runtime.event_log.port import Conflict, Entry, LogFull, Row, Snapshot

FORMAT = 2
COLUMNS = ", ".join(Entry._fields)
PLACES = ", ".join("?" for _ in Entry._fields)
SELECT = f"SELECT {COLUMNS} FROM log WHERE position > ? ORDER BY position LIMIT ?"  # noqa: S608
TABLES = """
    CREATE TABLE log (
        position INTEGER PRIMARY KEY,
        time INTEGER NOT NULL,
        command TEXT NOT NULL,
        principal TEXT NOT NULL,
        role TEXT NOT NULL,
        cause TEXT,
        action TEXT,
        event TEXT,
        effects TEXT,
        settles TEXT,
        continues TEXT,
        outcome TEXT
    ) STRICT;
    CREATE UNIQUE INDEX log_settles ON log (settles) WHERE settles IS NOT NULL;
    CREATE TABLE snapshot (position INTEGER PRIMARY KEY, fingerprint TEXT NOT NULL) STRICT;
    CREATE TABLE snapshot_row (
        position INTEGER NOT NULL, name TEXT NOT NULL, json TEXT NOT NULL
    ) STRICT;
    CREATE TABLE meta (epoch TEXT NOT NULL) STRICT;
"""
INSERT_ROW = "INSERT INTO snapshot_row VALUES (?, ?, ?)"
INSERT_SNAPSHOT = "INSERT INTO snapshot VALUES (?, ?)"
ROWS_A_DELETE = 64
ENTRIES_AN_INSERT = 32
NOTHING_STORED = {
    sqlite3.SQLITE_FULL: "the disk is full",
    sqlite3.SQLITE_BUSY: "another program has locked the event log",
}
T = TypeVar("T")


class SqliteLog:
    """One table; all statements run in one thread, because a commit waits for the disk."""

    def __init__(self, path: Path) -> None:
        """Open the file at `path`, made with its folder when absent.

        Raises StartRefused when it is in use by another process, or is not an event log.
        """
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._lock = _locked(path)
            self._connection = _connected(path)
        except (OSError, sqlite3.Error) as problem:
            raise StartRefused(f"cannot open the event log {path}: {problem}") from problem
        self.epoch = _epoch(self._connection, path)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="event-log")

    async def append(self, expected: int, entries: Sequence[Entry]) -> None:
        """Store all entries or none, durably; raises Conflict unless the log ends at `expected`."""
        await self._run(lambda: self._append(expected, entries))

    async def read(self, after: int, limit: int) -> Sequence[Entry]:
        """At most `limit` entries from the one after position `after`."""
        return await self._run(lambda: self._read(after, limit))

    async def save_snapshot(
        self, position: int, fingerprint: str, rows: AsyncIterator[Sequence[Row]]
    ) -> None:
        """Store a snapshot in place of the one before, in many small transactions.

        It counts from its last row on; what a crash left of another one is taken away.
        """
        await self._delete_rows("position NOT IN (SELECT position FROM snapshot)")
        async for some in rows:
            await self._write(INSERT_ROW, [(position, name, text) for name, text in some])
        await self._write("DELETE FROM snapshot", [()])
        await self._write(INSERT_SNAPSHOT, [(position, fingerprint)])
        await self._delete_rows(f"position != {position:d}")

    async def load_snapshot(self, fingerprint: str) -> Snapshot | None:
        """The snapshot, if there is one and this fingerprint is its own."""
        return await self._run(lambda: self._load_snapshot(fingerprint))

    def close(self) -> None:
        """Finish the write under way, close the file and let go of the lock."""
        self._thread.shutdown()
        self._connection.close()
        self._lock.close()

    async def _run(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)

    def _append(self, expected: int, entries: Sequence[Entry]) -> None:
        with self._transaction() as transaction:
            (end,) = transaction.execute("SELECT ifnull(max(position), 0) FROM log").fetchone()
            if end != expected:
                raise Conflict(f"the log ends at {end}, not at {expected}")
            for first in range(0, len(entries), ENTRIES_AN_INSERT):
                some = entries[first : first + ENTRIES_AN_INSERT]
                transaction.execute(_insert(len(some)), list(chain.from_iterable(some)))

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        """All of it or nothing; raises LogFull when there was no room or no turn."""
        try:
            with self._connection as transaction:
                transaction.execute("BEGIN IMMEDIATE")
                yield transaction
        except sqlite3.OperationalError as problem:
            words = NOTHING_STORED.get(problem.sqlite_errorcode)
            if words is None:
                raise
            raise LogFull(words) from problem

    def _read(self, after: int, limit: int) -> list[Entry]:
        return list(map(Entry._make, self._connection.execute(SELECT, (after, limit))))

    async def _write(self, statement: str, rows: Sequence[tuple[object, ...]]) -> None:
        def write() -> None:
            with self._transaction() as transaction:
                transaction.executemany(statement, rows)

        await self._run(write)

    async def _delete_rows(self, which: str) -> None:
        """Rows of other snapshots, in pieces, so that no commit waits long for it."""
        some = f"SELECT rowid FROM snapshot_row WHERE {which} LIMIT {ROWS_A_DELETE}"  # noqa: S608
        delete = f"DELETE FROM snapshot_row WHERE rowid IN ({some})"  # noqa: S608 - constants

        def delete_some() -> int:
            with self._transaction() as transaction:
                return transaction.execute(delete).rowcount

        while await self._run(delete_some):
            pass

    def _load_snapshot(self, fingerprint: str) -> Snapshot | None:
        found = self._connection.execute(
            "SELECT position FROM snapshot WHERE fingerprint = ? ORDER BY position DESC LIMIT 1",
            (fingerprint,),
        ).fetchone()
        if found is None:
            return None
        rows = self._connection.execute(
            "SELECT name, json FROM snapshot_row WHERE position = ? ORDER BY rowid", found
        )
        return Snapshot(found[0], fingerprint, rows.fetchall())


@cache
def _insert(count: int) -> str:
    """One statement for so many entries: after each statement, this thread waits for its turn."""
    return f"INSERT INTO log ({COLUMNS}) VALUES {', '.join([f'({PLACES})'] * count)}"  # noqa: S608


def _locked(path: Path) -> sqlite3.Connection:
    """A lock that ends with the process however it ends: an open transaction on a file beside."""
    lock = sqlite3.connect(f"{path}.lock", timeout=0, isolation_level=None)
    try:
        lock.execute("BEGIN EXCLUSIVE")
    except sqlite3.OperationalError as problem:
        lock.close()
        if problem.sqlite_errorcode != sqlite3.SQLITE_BUSY:
            raise
        raise StartRefused(
            f"the event log {path} is in use by another process: "
            "stop that one, or choose another file with APP_EVENT_LOG"
        ) from None
    return lock


def _connected(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    return connection


def _epoch(connection: sqlite3.Connection, path: Path) -> str:
    """The epoch of the log, which is made here when the file is new."""
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    if version == 0 and tables == 0:
        connection.executescript(f"BEGIN; {TABLES} PRAGMA user_version = {FORMAT}; COMMIT")
        connection.execute("INSERT INTO meta VALUES (?)", (secrets.token_hex(8),))
    elif version != FORMAT:
        raise StartRefused(f"{path} is not an event log of format {FORMAT}, but of {version}")
    (epoch,) = connection.execute("SELECT epoch FROM meta").fetchone()
    return str(epoch)
