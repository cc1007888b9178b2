"""Reads the embedded event log and copies it, also while a service writes to it."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from app.core.rejected import StartRefused
from app.runtime.event_log.new_file import new_file
from app.runtime.event_log.port import Entry, Snapshot
from app.runtime.event_log.reader import ENTRIES_A_READ
from app.runtime.event_log.sqlite import SELECT
from app.runtime.event_log.sqlite_file import (
    end_of,
    epoch_of,
    require_log,
    snapshot_of,
    unchanging,
)

PAGES_A_STEP = 2_048


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
        with self._in_words(), ExitStack() as opened:
            address = f"{path.absolute().as_uri()}?mode=ro"
            self._connection = sqlite3.connect(address, uri=True, isolation_level=None)
            opened.callback(self._connection.close)
            require_log(self._connection, path)
            self.epoch = epoch_of(self._connection)
            opened.pop_all()  # `close` does it

    @property
    def end(self) -> int:
        """The position of the last entry, or 0."""
        with self._in_words():
            return end_of(self._connection)

    def entries(self, after: int = 0) -> Iterator[Entry]:
        """Every entry after a position, up to the last one that there is by then."""
        while entries := self._read(after):
            yield from entries
            after = entries[-1].position

    def snapshot(self) -> Snapshot | None:
        """The snapshot that there is, whichever version of the code has written it."""
        with self._in_words():
            return snapshot_of(self._connection, None)

    def copy_to(self, file: Path, progress: Callable[[int, int], None]) -> int:
        """Copy the log as it is now into a new file; `progress` hears of pages."""
        with new_file(file, like=self.path) as copy:
            # What others write meanwhile would have the copy begin again, and never end.
            with unchanging(self._connection):
                self._connection.backup(
                    copy,
                    pages=PAGES_A_STEP,
                    progress=lambda _, left, pages: progress(pages, pages - left),
                )
            return end_of(copy)

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def _read(self, after: int) -> list[Entry]:
        with self._in_words():
            return list(map(Entry._make, self._connection.execute(SELECT, (after, ENTRIES_A_READ))))

    @contextmanager
    def _in_words(self) -> Iterator[None]:
        """Raises StartRefused for what SQLite finds wrong with the file."""
        try:
            yield
        except sqlite3.Error as problem:
            raise StartRefused(f"cannot read the event log {self.path}: {problem}") from problem
