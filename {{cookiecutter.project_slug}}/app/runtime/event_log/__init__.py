"""Chooses the engine of the event log by its address."""

from pathlib import Path

from app.core.rejected import StartRefused
from app.runtime.event_log.memory import MemoryLog
from app.runtime.event_log.port import EventLog
from app.runtime.event_log.reader import SqliteReader
from app.runtime.event_log.sqlite import SqliteLog


def open_event_log(url: str) -> EventLog:
    """The log at `memory://`, or in a file at `sqlite:///relative` or `sqlite:////absolute`."""
    path = _file_of(url)
    return MemoryLog() if path is None else SqliteLog(path)


def read_event_log(url: str) -> SqliteReader:
    """A log that is there, for reading alone: a service may write to it meanwhile."""
    path = _file_of(url)
    if path is None:
        raise StartRefused("memory:// ends with its process: there is no log to read")
    return SqliteReader(path)


def _file_of(url: str) -> Path | None:
    """Where the log lies; None means in memory."""
    scheme, separator, rest = url.partition("://")
    match scheme, separator:
        case "memory", "://" if not rest:
            return None
        case "sqlite", "://" if rest.startswith("/") and rest != "/":
            return Path(rest.removeprefix("/"))
    raise StartRefused(
        f"APP_EVENT_LOG: {url} names no event log; "
        "use sqlite:///data/events.db, sqlite:////absolute/path.db or memory://"
    )
