"""Leases in a table of Postgres: for each name a row says who has it."""

from time import monotonic

from app.runtime.event_log.leases import Lease, Watch
from app.runtime.event_log.postgres_line import Line

RELEASED = "-infinity"
FOUND = "SELECT holder, term, until::text FROM event_log_lease WHERE name = %s"
# Unless another has changed the row since. The server's clock may be set: only nodes of an earlier
# version, which may run beside this one, ask if it is past `until`. Here that is a renewal's name.
CLAIM = """
    INSERT INTO event_log_lease AS lease
    VALUES (%s, %s, %s, clock_timestamp() + make_interval(secs => %s))
    ON CONFLICT (name) DO UPDATE
    SET holder = excluded.holder, term = excluded.term, until = excluded.until
    WHERE lease.term = %s AND lease.until::text = %s
    RETURNING term
"""
RELEASE = "UPDATE event_log_lease SET until = '-infinity' WHERE name = %s AND holder = %s"


class PostgresLeases:
    """The leases that this node has, and those of others, by clocks that nobody sets."""

    def __init__(self, line: Line, node: str) -> None:
        self._line = line
        self._node = node
        self._watch = Watch(node)

    async def claim(self, name: str, seconds: float) -> int | None:
        """Take or renew a lease; its term, or None: another has it. Raises LogUnavailable."""
        asked = monotonic()
        rows = await self._line.run(FOUND, name)
        holder, old_term, until = rows[0] if rows else (None, 0, RELEASED)
        found = Lease(None if until == RELEASED else holder, old_term, until)
        term = self._watch.term(name, found, seconds)
        if term is None:
            return None
        values = name, self._node, term, seconds, old_term, until
        if not await self._line.run(CLAIM, *values):
            return None  # another was faster
        self._watch.renewed(name, asked)
        return term

    async def release(self, name: str) -> None:
        """Let another node have a lease at once, if this one has it; raises LogUnavailable."""
        self._watch.released(name)
        await self._line.run(RELEASE, name, self._node)
