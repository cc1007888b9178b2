"""Reads a log that lies on a server, where services may write to it meanwhile."""

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any, TypeVar

from app.core.rejected import StartRefused
from app.runtime.event_log.new_file import new_file
from app.runtime.event_log.port import Entry, EventLog, LogUnavailable, Snapshot
from app.runtime.event_log.reader import ENTRIES_A_READ
from app.runtime.event_log.sqlite_file import COLUMNS, make_tables

PLACES = ", ".join("?" for _ in Entry._fields)
INSERT = f"INSERT INTO log ({COLUMNS}) VALUES ({PLACES})"  # noqa: S608 - constants
T = TypeVar("T")


class SharedReader:
    """The log of some engine, whose loop only runs while it is asked for something."""

    def __init__(self, event_log: EventLog) -> None:
        """Reach the log, which is made when absent; raises StartRefused when it cannot be."""
        self._log = event_log
        self._runner = asyncio.Runner()
        try:
            self._run(event_log.connect())
        except BaseException:
            self.close()
            raise

    @property
    def epoch(self) -> str:
        """The name of this log's positions."""
        return self._log.epoch

    @property
    def end(self) -> int:
        """The position of the last entry, or 0."""
        return self._run(self._log.end())

    def entries(self, after: int = 0) -> Iterator[Entry]:
        """Every entry after a position, up to the last one that there is by then."""
        while entries := self._run(self._log.read(after, ENTRIES_A_READ)):
            yield from entries
            after = entries[-1].position

    def snapshot(self) -> Snapshot | None:
        """The snapshot that there is, whichever version of the code has written it."""
        return self._run(self._log.load_snapshot(None))

    def copy_to(self, file: Path, progress: Callable[[int, int], None]) -> int:
        """Copy the log as it is now into a new file; `progress` hears of entries."""
        end, after = self.end, 0
        with new_file(file) as copy:
            make_tables(copy)
            copy.execute("BEGIN")
            while after < end:
                some = self._run(self._log.read(after, min(ENTRIES_A_READ, end - after)))
                copy.executemany(INSERT, some)
                after = some[-1].position
                progress(end, after)
            copy.execute("COMMIT")
        return end

    def close(self) -> None:
        """Let go of the log."""
        self._runner.run(self._log.close())
        self._runner.close()

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        try:
            return self._runner.run(work)
        except LogUnavailable as problem:
            raise StartRefused(str(problem)) from None
