"""The snapshot in a table of Postgres, a few rows a statement, so that each of them has a limit."""

from collections.abc import AsyncIterator, Sequence

from app.runtime.event_log.port import Row, Snapshot
from app.runtime.event_log.postgres_line import Connection

ROWS_A_STATEMENT = 20  # of some hundred items each
# One node saves at a time: this is an advisory lock.
LOCK = "SELECT pg_advisory_xact_lock(7310132)"
DELETE = "DELETE FROM event_log_snapshot"
INSERT = """
    INSERT INTO event_log_snapshot SELECT %s + number, %s, %s, name, json
    FROM unnest(%s::text[], %s::text[]) WITH ORDINALITY AS rows (name, json, number)
"""
# All reads see the same, whatever another node saves meanwhile.
BEGIN_READING = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
READ = """
    SELECT number, position, fingerprint, name, json FROM event_log_snapshot
    WHERE number > %s AND fingerprint = coalesce(%s, fingerprint) ORDER BY number LIMIT %s
"""


async def save(
    connection: Connection, position: int, fingerprint: str, rows: AsyncIterator[Sequence[Row]]
) -> None:
    """Store a snapshot in place of the one before; raises psycopg.Error, and TimeoutError.

    When it fails, the connection must be closed: with it ends what was begun.
    """
    for statement in "BEGIN", LOCK, DELETE:
        await connection.rows(statement)
    stored = 0
    async for some in _together(rows):
        names, texts = map(list, zip(*some, strict=True))
        await connection.rows(INSERT, stored, position, fingerprint, names, texts)
        stored += len(some)
    await connection.rows("COMMIT")


async def load(connection: Connection, fingerprint: str | None) -> Snapshot | None:
    """The snapshot, if there is one and this fingerprint is its own, or None is given.

    Raises psycopg.Error, and TimeoutError; the connection must be closed after it.
    """
    await connection.rows(BEGIN_READING)
    snapshot, rows, last = None, list[Row](), -1
    while found := await connection.rows(READ, last, fingerprint, ROWS_A_STATEMENT):
        last, position, its_own, *_ = found[-1]
        rows.extend((name, text) for *_, name, text in found)
        snapshot = Snapshot(position, its_own, rows)
    return snapshot


async def _together(rows: AsyncIterator[Sequence[Row]]) -> AsyncIterator[Sequence[Row]]:
    waiting: list[Row] = []
    async for some in rows:
        waiting.extend(some)
        if len(waiting) >= ROWS_A_STATEMENT:
            yield waiting
            waiting = []
    if waiting:
        yield waiting
