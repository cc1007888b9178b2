"""The tables of an event log in Postgres."""

import psycopg

from app.core.rejected import StartRefused
from app.runtime.event_log.port import Entry
from app.runtime.event_log.postgres_line import Connection, Postgres

# Only one node makes the tables at a time: this is an advisory lock.
TABLES = """
    SELECT pg_advisory_xact_lock(7310131);
    CREATE TABLE IF NOT EXISTS event_log (
        position bigint PRIMARY KEY, time bigint NOT NULL, command text NOT NULL,
        principal text NOT NULL, role text NOT NULL, cause text, action text, event text,
        effects text, settles text UNIQUE, continues text, outcome text
    );
    CREATE TABLE IF NOT EXISTS event_log_epoch (epoch text NOT NULL);
    CREATE TABLE IF NOT EXISTS event_log_snapshot (
        number int PRIMARY KEY, position bigint NOT NULL, fingerprint text NOT NULL,
        name text NOT NULL, json text NOT NULL
    );
    CREATE TABLE IF NOT EXISTS event_log_lease (
        name text PRIMARY KEY, holder text NOT NULL, term bigint NOT NULL,
        until timestamptz NOT NULL
    );
    INSERT INTO event_log_epoch SELECT replace(gen_random_uuid()::text, '-', '')
    WHERE NOT EXISTS (SELECT FROM event_log_epoch);
"""
# Of the table that TABLES made, or found.
FOUND_COLUMNS = """
    SELECT attname::text FROM pg_attribute
    WHERE attrelid = 'event_log'::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum
"""


async def make_tables(connection: Connection, database: Postgres) -> str:
    """Make those that are missing, all or none; the epoch of the log.

    Raises StartRefused when the database cannot have them, psycopg.Error when it does not answer.
    """
    _require_every_character(connection, database)
    async with connection.transaction():
        try:
            await connection.execute(TABLES)
        except psycopg.errors.InsufficientPrivilege as problem:
            words = database.words(problem.diag.message_primary)
            raise StartRefused(f"{words}: it makes its tables when it starts") from None
        columns = await connection.rows(FOUND_COLUMNS)
        if [name for (name,) in columns] != list(Entry._fields):
            raise StartRefused(database.words("its table event_log is somebody else's"))
        found = await connection.rows("SELECT epoch FROM event_log_epoch")
    if not found:
        raise StartRefused(database.words("it has no epoch"))
    return str(found[0][0])


def _require_every_character(connection: Connection, database: Postgres) -> None:
    """Raises StartRefused when the database cannot store every text that a client may send."""
    encoding = connection.info.parameter_status("server_encoding")
    if encoding != "UTF8":
        raise StartRefused(database.words(f"its encoding is {encoding}, not UTF8"))
