"""A connection to Postgres that is made when it is needed, and again after it broke."""

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any, LiteralString, TypeAlias

import psycopg
from psycopg.conninfo import conninfo_to_dict

from app.core.rejected import StartRefused
from app.runtime.event_log.port import LogFull, LogUnavailable

# A process of the server: its pid, and its start in microseconds since 1970, if that is told.
Backend: TypeAlias = tuple[int, int | None]

# Then it is broken off. That takes up to 20 seconds when the server says nothing at all: psycopg
# tries to cancel for 5 of them, and waits 5 more for what comes of it.
ANSWER_SECONDS = 10.0
# What the address may say otherwise. A server that is gone without a word is noticed in 15 seconds.
DEFAULTS = {
    "application_name": "event log",
    "connect_timeout": 5,
    "keepalives_idle": 5,
    "keepalives_interval": 3,
    "keepalives_count": 3,
    "tcp_user_timeout": 15_000,
    # Of several hosts the primary: a standby may lag, and would know of less than was acknowledged.
    "target_session_attrs": "read-write",
}
ALWAYS = {"client_encoding": "utf8"}
# What libpq and the server say of an address that is of no use; neither gives a code.
USELESS = re.compile(
    r"invalid (\S+ )?value|invalid port number|bad value for|password authentication failed"
    r'|no password supplied|role "[^"]*" (does not exist|is not permitted)'
)


@asynccontextmanager
async def in_time(servers: int = 1) -> AsyncIterator[None]:
    """The limit to whatever the server, or one after another, is asked; raises TimeoutError."""
    seconds = servers * ANSWER_SECONDS
    try:
        async with asyncio.timeout(seconds):
            yield
    except TimeoutError:
        raise TimeoutError(f"no answer in {seconds:g} seconds") from None


class Connection(psycopg.AsyncConnection[tuple[Any, ...]]):
    """A connection; `backend` is what is at its other end, if it was asked."""

    backend: Backend = (0, None)

    async def rows(self, statement: LiteralString, *values: object) -> Sequence[tuple[Any, ...]]:
        """The rows that a statement gives, in one round trip; raises TimeoutError."""
        async with in_time():
            found = await self.execute(statement, values, prepare=True)
            return await found.fetchall() if found.description else ()


class Broken(LogUnavailable):
    """The connection broke under way; `backend` is the process that may still be at work."""

    def __init__(self, words: str, backend: Backend) -> None:
        super().__init__(words)
        self.backend = backend


class Useless(LogUnavailable):
    """A value in the address is none, or the server does not know the user, or the password."""


class Postgres:
    """A database. `name` is its address without a password."""

    def __init__(self, url: str) -> None:
        """Raises StartRefused when the address is none."""
        try:
            self._parameters: dict[str, Any] = DEFAULTS | conninfo_to_dict(url) | ALWAYS
        except psycopg.ProgrammingError:  # its words may repeat the password
            raise _no_address() from None
        if re.search("[^0-9,]", str(self._parameters.get("port") or "")):
            raise _no_address()  # with a / in the password, which is no port then
        named = str(self._parameters.get("hostaddr") or self._parameters.get("host") or "")
        self._servers = named.count(",") + 1
        known = {key: self._parameters.get(key) or "" for key in ("user", "host", "port", "dbname")}
        if _has_password_in(url, str(known["host"])):
            raise _no_address()
        at = "@" if known["user"] else ""
        port = f":{known['port']}" if known["port"] else ""
        self.name = f"postgresql://{known['user']}{at}{known['host']}{port}/{known['dbname']}"

    async def open(self) -> Connection:
        """A new connection, each of whose statements is a transaction.

        Raises LogUnavailable, and Useless.
        """
        try:
            async with in_time(self._servers):
                return await Connection.connect(**self._parameters, autocommit=True)
        except (psycopg.Error, OSError) as problem:
            kind = Useless if USELESS.search(str(problem)) else LogUnavailable
            raise kind(self.words(problem)) from None

    def words(self, problem: object) -> str:
        """What is wrong, and with which database, in one line."""
        words = " ".join(str(problem).split()) or type(problem).__name__
        return f"the event log {self.name}: {words}"


def _has_password_in(url: str, host: str) -> bool:
    """Whether a password with / or @ in it has been taken for the host or the database."""
    _, _, path = url.partition("://")[2].partition("?")[0].partition("/")
    is_folder = host.startswith(("/", "@"))  # of a socket
    return "@" in path or ("@" in host and not is_folder)


def _no_address() -> StartRefused:
    words = "APP_EVENT_LOG is no address of a database; use postgresql://user@host/name"
    return StartRefused(f"{words}, with %2F, %3F and %40 for /, ? and @ in the password")


class Line:
    """One connection, on which one statement runs at a time."""

    def __init__(self, database: Postgres, opened: Callable[[], Awaitable[Connection]]) -> None:
        self._database = database
        self._opened = opened
        self._connection: Connection | None = None
        self._turn = asyncio.Lock()
        self._reading = asyncio.Lock()

    async def read(self, statement: LiteralString, *values: object) -> Sequence[tuple[Any, ...]]:
        """As `run`, but all other statements come before those that wait here for each other."""
        async with self._reading:
            return await self.run(statement, *values)

    async def run(self, statement: LiteralString, *values: object) -> Sequence[tuple[Any, ...]]:
        """The rows that a statement gives, in one round trip.

        Raises LogUnavailable when there is no connection, Broken when it broke under way, LogFull
        when the server has no room for it.
        """
        async with self._turn:
            connection = self._connection
            if connection is None or connection.closed:
                self._connection = connection = await self._opened()
            try:
                return await connection.rows(statement, *values)
            except (psycopg.Error, TimeoutError, OSError) as problem:
                words = self._database.words(problem)
                match problem:
                    case psycopg.errors.ReadOnlySqlTransaction():  # it is a standby by now
                        await connection.close()
                        raise LogUnavailable(words) from None
                    case psycopg.OperationalError() if not connection.closed:
                        raise LogFull(words) from None  # no disk, no memory, no turn
                    case psycopg.Error() if not connection.closed:
                        raise
                await connection.close()
                raise Broken(words, connection.backend) from None

    async def close(self) -> None:
        """End the connection."""
        if self._connection is not None:
            await self._connection.close()
