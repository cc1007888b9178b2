"""Chooses the engine of the event log by its address."""

from pathlib import Path

from app.core.rejected import StartRefused
from app.runtime.event_log.memory import MemoryLog
from app.runtime.event_log.port import EventLog
from app.runtime.event_log.reader import Reader
from app.runtime.event_log.shared_reader import SharedReader
from app.runtime.event_log.sqlite import SqliteLog
from app.runtime.event_log.sqlite_reader import SqliteReader

DATABASES = ("postgresql://", "postgres://")
CLUSTERS = ("nats://", "tls://")


def open_event_log(url: str, *, shared: bool = False) -> EventLog:
    """The log that an address names: in this process, a file, a database, or a NATS cluster.

    A file is `shared` with other processes that say so, too; the last two are, anyway.
    """
    if url.startswith(DATABASES):
        try:
            from app.runtime.event_log.postgres import PostgresLog
        except ImportError as problem:
            words = f"APP_EVENT_LOG needs the extra `postgres`: {problem}"
            raise StartRefused(words) from None
        return PostgresLog(url)
    if url.startswith(CLUSTERS):
        try:
            from app.runtime.event_log.nats.log import NatsLog
        except ImportError as problem:
            raise StartRefused(f"APP_EVENT_LOG needs the extra `nats`: {problem}") from None
        return NatsLog(url)
    path = _file_of(url)
    if path is not None:
        return SqliteLog(path, shared=shared)
    if shared:
        raise StartRefused(
            "APP_EVENT_LOG is memory://, which one process has for itself: for several workers "
            "use sqlite:///data/events.db, or a database"
        )
    return MemoryLog()


def read_event_log(url: str) -> Reader:
    """A log that is there, for reading alone: services may write to it meanwhile."""
    if url.startswith((*DATABASES, *CLUSTERS)):
        return SharedReader(open_event_log(url))
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
    raise StartRefused(  # it is not repeated: after a slip of the pen it may have a password
        "APP_EVENT_LOG names no event log; use, without quotes, sqlite:///data/events.db, "
        "sqlite:////absolute/path.db, postgresql://…, nats://…, tls://… or memory://"
    )
