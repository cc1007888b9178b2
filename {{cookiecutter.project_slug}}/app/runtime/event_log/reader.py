"""A log that is read by a program that does one thing after another, whatever the engine."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol

from app.runtime.event_log.port import Entry, Snapshot

ENTRIES_A_READ = 1_000


class Reader(Protocol):
    """The log, opened for reading, also while services write to it.

    Raises StartRefused where it cannot be read.
    """

    @property
    def epoch(self) -> str:
        """The name of this log's positions."""

    @property
    def end(self) -> int:
        """The position of the last entry, or 0."""

    def entries(self, after: int = 0) -> Iterator[Entry]:
        """Every entry after a position, up to the last one that there is by then."""

    def snapshot(self) -> Snapshot | None:
        """The snapshot that there is, whichever version of the code has written it."""

    def copy_to(self, file: Path, progress: Callable[[int, int], None]) -> int:
        """Copy the log as it is now into a new file, under a new epoch and without its snapshot.

        Gives the position of its last entry. `progress` hears how much there is, and how much of
        it is copied. Raises FileExistsError, and OSError or sqlite3.Error when it fails: then there
        is no such file.
        """

    def close(self) -> None:
        """Let go of the log."""
