"""Chooses the engine of the event log by its address."""

from pathlib import Path

from app.core.rejected import StartRefused
from app.runtime.event_log.memory import MemoryLog
from app.runtime.event_log.port import EventLog
from app.runtime.event_log.sqlite import SqliteLog


def open_event_log(url: str) -> EventLog:
    """The log at `memory://`, or in a file at `sqlite:///relative` or `sqlite:////absolute`."""
    scheme, separator, rest = url.partition("://")
    match scheme, separator:
        case "memory", "://" if not rest:
            return MemoryLog()
        case "sqlite", "://" if rest.startswith("/") and rest != "/":
            return SqliteLog(Path(rest.removeprefix("/")))
    raise StartRefused(
        f"APP_EVENT_LOG: {url} names no event log; "
        "use sqlite:///data/events.db, sqlite:////absolute/path.db or memory://"
    )
