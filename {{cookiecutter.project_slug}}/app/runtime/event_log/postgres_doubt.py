"""Ends what may be at work on an append whose answer was lost, before anybody looks for it."""

import asyncio

from app.runtime.event_log.port import LogUnavailable
from app.runtime.event_log.postgres_line import Backend, Connection, Line, Postgres

LOOKS = 500
SECONDS_BETWEEN_LOOKS = 0.01
# A pid alone may be anybody's once the server has started again. A start that is not told is NULL.
START = """
    SELECT (1000000 * extract(epoch FROM backend_start))::bigint
    FROM pg_stat_activity WHERE pid = pg_backend_pid()
"""
END_BACKEND = """
    SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid = %s
    AND (1000000 * extract(epoch FROM backend_start))::bigint IS NOT DISTINCT FROM %s
"""
# Answered once the standbys that must have each commit have all that was committed before.
REACHED = "SELECT pg_logical_emit_message(true, 'event_log', '')"


async def backend_of(connection: Connection) -> Backend:
    """What is at the other end of a connection; raises psycopg.Error."""
    found = await (await connection.execute(START)).fetchone()
    return connection.info.backend_pid, found[0] if found else None


class Doubt:
    """Whether there may be such a backend, and which."""

    def __init__(self, database: Postgres, line: Line) -> None:
        self._database = database
        self._line = line
        self._backend: Backend | None = None

    def begin(self, backend: Backend) -> None:
        """Nobody knows what this one does with what it was sent."""
        self._backend = backend

    async def end(self) -> None:
        """End it, if there is one; raises LogUnavailable while that does not succeed.

        One that waits for a synchronous standby has stored it by its end, and the standby may not
        have it: so that is waited for here.
        """
        for _ in range(LOOKS):
            backend = self._backend
            if backend is None:
                return
            if await self._line.run(END_BACKEND, *backend):
                await asyncio.sleep(SECONDS_BETWEEN_LOOKS)
                continue
            await self._line.run(REACHED)
            if self._backend is backend:  # and no later one, which began meanwhile
                self._backend = None
                return
        raise LogUnavailable(self._database.words("an append does not end"))
