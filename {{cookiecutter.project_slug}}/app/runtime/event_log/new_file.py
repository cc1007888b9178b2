"""Makes a file of the embedded event log out of another log: whole, on disk, or not at all."""

import os
import secrets
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path


@contextmanager
def new_file(file: Path, like: Path | None = None) -> Iterator[sqlite3.Connection]:
    """An empty database that becomes `file` when the context ends, as a log of its own.

    Nobody but its owner may read it, or whoever may read the one that it is `like`. Raises
    FileExistsError, also for one that came meanwhile and for a copy of that name under way, and
    OSError or sqlite3.Error when it fails: then there is no such file.
    """
    if file.exists():
        raise _is_there(file)
    unfinished = file.with_name(f"{file.name}.unfinished")
    try:
        unfinished.touch(mode=0o600, exist_ok=False)
    except FileExistsError:
        raise _is_there(unfinished, ", of a backup that goes on or was broken off") from None
    try:
        if like is not None:
            shutil.copymode(like, unfinished)
        with closing(sqlite3.connect(unfinished, isolation_level=None)) as connection:
            yield connection
            _make_its_own(connection)
        _on_disk(unfinished)
        _name(unfinished, file)
        _on_disk(file.parent)
    finally:
        unfinished.unlink(missing_ok=True)


def _name(unfinished: Path, file: Path) -> None:
    """Give it another name; raises FileExistsError, which a mere rename would not."""
    try:
        file.hardlink_to(unfinished)
    except FileExistsError:
        raise _is_there(file) from None
    except OSError:  # a file system without links: at least nobody has the name just now
        if file.exists():
            raise _is_there(file) from None
        unfinished.rename(file)


def _is_there(file: Path, why: str = "") -> FileExistsError:
    return FileExistsError(f"{file} is there already{why}")


def _make_its_own(copy: sqlite3.Connection) -> None:
    """Give a copy an epoch, and no snapshot; raises sqlite3.Error if it is damaged."""
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


def _on_disk(path: Path) -> None:
    """Return when a file, or the names in a folder, would survive a power cut."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
