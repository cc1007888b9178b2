"""The file of the embedded event log: its tables, its epoch, and who may have it open."""

import os
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

from app.core.rejected import StartRefused
from app.runtime.event_log.port import Entry, Snapshot

FORMAT = 2
COLUMNS = ", ".join(Entry._fields)
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
    INSERT INTO meta VALUES (lower(hex(randomblob(8))));
"""
# Added later, to files of the same format: what lies in it means nothing to who does not look.
LEASES = """CREATE TABLE IF NOT EXISTS lease (
    name TEXT PRIMARY KEY, holder TEXT, term INTEGER NOT NULL, renewed INTEGER NOT NULL
) STRICT"""
EPOCH_COLUMN = "SELECT 1 FROM pragma_table_info('meta') WHERE name = 'epoch'"
SNAPSHOT = "SELECT position, fingerprint FROM snapshot ORDER BY position DESC LIMIT 1"
SNAPSHOT_ROWS = "SELECT name, json FROM snapshot_row WHERE position = ? ORDER BY rowid"
SECONDS_FOR_ANOTHER_TO_OPEN = 5.0


def open_file(path: Path, *, shared: bool) -> tuple[sqlite3.Connection, sqlite3.Connection]:
    """The log at `path`, made with its folder when absent, and the lock that is held on it.

    Raises StartRefused when another process has it open, unless both said that they share it, and
    when it is not an event log.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = os.path.realpath(path)  # it has one lock, whatever link leads to it
        with ExitStack() as opened:
            lock, is_alone = _locked(file, path, shared)
            opened.callback(lock.close)
            connection = sqlite3.connect(file, isolation_level=None, check_same_thread=False)
            opened.callback(connection.close)
            connection.execute("PRAGMA synchronous = FULL")
            if is_alone:
                _set_up(connection, path)
            if is_alone and shared:
                connection.execute("REPLACE INTO lease VALUES ('place', ?, 0, 0)", (_place(),))
            if shared:
                _share(lock, path)
                _require_one_place(connection, path)
            opened.pop_all()  # whoever asked closes them
    except (OSError, sqlite3.Error) as problem:
        hint = (
            "" if os.access(path.parent, os.W_OK) else f"; user {os.getuid()} may not write there"
        )
        raise StartRefused(f"cannot open the event log {path}: {problem}{hint}") from problem
    return connection, lock


def epoch_of(connection: sqlite3.Connection) -> str:
    """The name of the positions in a file."""
    with closing(connection.execute("SELECT epoch FROM meta")) as found:
        return str(found.fetchone()[0])


def require_log(connection: sqlite3.Connection, path: Path) -> None:
    """Raise StartRefused for a file of another format, and for a database of others."""
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version not in (0, FORMAT):
        raise StartRefused(f"{path} is not an event log of format {FORMAT}, but of {version}")
    if version == 0 or connection.execute(EPOCH_COLUMN).fetchone() is None:
        raise StartRefused(f"{path} is no event log")


def make_tables(connection: sqlite3.Connection) -> None:
    """Make a log of an empty file, with an epoch of its own, or leave it empty."""
    connection.executescript(f"BEGIN; {TABLES} PRAGMA user_version = {FORMAT}; COMMIT")


def end_of(connection: sqlite3.Connection) -> int:
    """The position of the last entry in a file, or 0."""
    (end,) = connection.execute("SELECT ifnull(max(position), 0) FROM log").fetchone()
    return int(end)


def snapshot_of(connection: sqlite3.Connection, fingerprint: str | None) -> Snapshot | None:
    """The snapshot in a file, if there is one and this fingerprint is its own, or None is given."""
    with unchanging(connection):  # another process may put another one in its place
        found = connection.execute(SNAPSHOT).fetchone()
        if found is None or fingerprint not in (None, found[1]):
            return None
        rows = connection.execute(SNAPSHOT_ROWS, found[:1]).fetchall()
    return Snapshot(found[0], found[1], rows)


@contextmanager
def unchanging(connection: sqlite3.Connection) -> Iterator[None]:
    """Look at a file as it is now, however long that takes."""
    connection.execute("BEGIN")
    try:
        epoch_of(connection)  # from here on
        yield
    finally:
        connection.execute("ROLLBACK")


def _locked(file: str, path: Path, shared: bool) -> tuple[sqlite3.Connection, bool]:
    """A lock that ends with the process however it ends: an open transaction on a file beside.

    And whether nobody else has the log open now.
    """
    lock = sqlite3.connect(f"{file}.lock", timeout=0, isolation_level=None)
    try:
        lock.execute("BEGIN EXCLUSIVE")
    except sqlite3.OperationalError as problem:
        is_busy = problem.sqlite_errorcode == sqlite3.SQLITE_BUSY
        if is_busy and shared:
            return lock, False
        lock.close()
        if not is_busy:
            raise
        raise _in_use(path) from None
    return lock, True


def _share(lock: sqlite3.Connection, path: Path) -> None:
    """Hold the lock together with others who do."""
    if lock.in_transaction:
        lock.execute("COMMIT")
    lock.execute(f"PRAGMA busy_timeout = {SECONDS_FOR_ANOTHER_TO_OPEN * 1000:.0f}")
    try:
        lock.execute("BEGIN")
        lock.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    except sqlite3.OperationalError as problem:
        if problem.sqlite_errorcode != sqlite3.SQLITE_BUSY:
            raise
        raise _in_use(path) from None


def _require_one_place(connection: sqlite3.Connection, path: Path) -> None:
    """Raise StartRefused unless this process can reach those that share the file with it.

    By sockets in the folder for temporary files, of which each container has its own.
    """
    first = connection.execute("SELECT holder FROM lease WHERE name = 'place'").fetchone()
    if first not in (None, (_place(),)):
        raise StartRefused(
            f"the event log {path} is in use by processes with another {tempfile.gettempdir()}, "
            "in another container perhaps: stop those, or use a log that containers can share "
            "(postgresql:// or nats://)"
        )


def _place() -> str:
    folder = Path(tempfile.gettempdir()).stat()
    return f"{folder.st_dev}:{folder.st_ino}"


def _in_use(path: Path) -> StartRefused:
    return StartRefused(
        f"the event log {path} is in use by another process: "
        "stop that one, or choose another file with APP_EVENT_LOG"
    )


def _set_up(connection: sqlite3.Connection, path: Path) -> None:
    """Make the tables of an empty file; of a log, end what leases there were.

    What is neither is only looked at.
    """
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    is_empty = version == 0 and tables == 0
    if not is_empty:
        require_log(connection, path)
    connection.execute("PRAGMA journal_mode = WAL")
    if is_empty:
        make_tables(connection)
    connection.execute(LEASES)
    connection.execute("UPDATE lease SET holder = NULL WHERE holder IS NOT NULL")
