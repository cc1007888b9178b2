"""Reads the embedded event log and copies it, also while a service writes to it."""

import os
import secrets
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from app.core.rejected import StartRefused
from app.runtime.event_log.port import Entry, Snapshot
from app.runtime.event_log.sqlite import SELECT
from app.runtime.event_log.sqlite_file import FORMAT

ENTRIES_A_READ = 1_000
PAGES_A_STEP = 2_048
SNAPSHOT = "SELECT position, fingerprint FROM snapshot ORDER BY position DESC LIMIT 1"
ROWS = "SELECT name, json FROM snapshot_row WHERE position = ? ORDER BY rowid"


class SqliteReader:
    """The file, opened for reading: it takes no lock, and no service waits for it."""

    def __init__(self, path: Path) -> None:
        """Open the file at `path`; raises StartRefused when it is no event log."""
        if not path.is_file():
            raise StartRefused(
                f"there is no event log at {path}: APP_EVENT_LOG says where it lies, and the "
                "service makes it when it starts"
            )
        self.path = path
        try:
            address = f"{path.absolute().as_uri()}?mode=ro"
            self._connection = sqlite3.connect(address, uri=True, isolation_level=None)
            (version,) = self._connection.execute("PRAGMA user_version").fetchone()
            if version != FORMAT:
                words = f"{path} is not an event log of format {FORMAT}, but of {version}"
                raise StartRefused(words)
            (self.epoch,) = self._connection.execute("SELECT epoch FROM meta").fetchone()
        except sqlite3.Error as problem:
            raise StartRefused(f"cannot read the event log {path}: {problem}") from problem

    @property
    def end(self) -> int:
        """The position of the last entry, or 0."""
        (end,) = self._connection.execute("SELECT ifnull(max(position), 0) FROM log").fetchone()
        return int(end)

    def entries(self, after: int = 0) -> Iterator[Entry]:
        """Every entry after a position, up to the last one that there is by then."""
        while rows := self._connection.execute(SELECT, (after, ENTRIES_A_READ)).fetchall():
            yield from map(Entry._make, rows)
            after = rows[-1][0]

    def snapshot(self) -> Snapshot | None:
        """The snapshot that there is, whichever edition of the code has written it."""
        with self._unchanging() as connection:
            found = connection.execute(SNAPSHOT).fetchone()
            if found is None:
                return None
            position, fingerprint = found
            return Snapshot(position, fingerprint, connection.execute(ROWS, (position,)).fetchall())

    def copy_to(self, file: Path, progress: Callable[[int, int], None]) -> int:
        """Copy the log into a new file, under a new epoch and without its snapshot.

        Gives the position of its last entry. `progress` hears how many pages there are, and how
        many of them are copied. Raises FileExistsError, and OSError or sqlite3.Error when it
        fails: then there is no such file.
        """
        if file.exists():
            raise FileExistsError(f"{file} is there already")
        unfinished = file.with_name(f"{file.name}.unfinished")
        unfinished.unlink(missing_ok=True)
        try:
            unfinished.touch(mode=0o600)
            shutil.copymode(self.path, unfinished)
            with closing(sqlite3.connect(unfinished, isolation_level=None)) as copy:
                self._copy_to(copy, progress)
                end = _renewed(copy)
            _on_disk(unfinished)
            unfinished.rename(file)
            _on_disk(file.parent)
        finally:
            unfinished.unlink(missing_ok=True)
        return end

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def _copy_to(self, copy: sqlite3.Connection, progress: Callable[[int, int], None]) -> None:
        # What others write meanwhile would have the copy begin again, and never end.
        with self._unchanging() as connection:
            connection.backup(
                copy,
                pages=PAGES_A_STEP,
                progress=lambda _, left, pages: progress(pages, pages - left),
            )

    @contextmanager
    def _unchanging(self) -> Iterator[sqlite3.Connection]:
        """The log as it is now, however long that is looked at."""
        self._connection.execute("BEGIN")
        self._connection.execute("SELECT epoch FROM meta").fetchone()  # from here on
        try:
            yield self._connection
        finally:
            self._connection.execute("ROLLBACK")


def _renewed(copy: sqlite3.Connection) -> int:
    """Make a log of its own of a copy; its last position."""
    copy.execute("PRAGMA journal_mode = DELETE")  # one file, nothing beside it
    copy.execute("PRAGMA synchronous = FULL")
    copy.execute("BEGIN")
    copy.execute("DELETE FROM snapshot")
    copy.execute("DELETE FROM snapshot_row")
    copy.execute("UPDATE meta SET epoch = ?", (secrets.token_hex(8),))
    copy.execute("COMMIT")
    (found,) = copy.execute("PRAGMA quick_check(1)").fetchone()
    if found != "ok":
        raise sqlite3.DatabaseError(f"the copy is damaged: {found}")
    (end,) = copy.execute("SELECT ifnull(max(position), 0) FROM log").fetchone()
    return int(end)


def _on_disk(path: Path) -> None:
    """Return when a file, or the names in a folder, would survive a power cut."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
