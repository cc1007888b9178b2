"""A line to Postgres on which something happens just before a statement."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, LiteralString

from app.runtime.event_log.postgres_line import Line, Postgres


class Interrupted(Line):
    """`before` says what happens before which statement, once."""

    def __init__(self, database: Postgres) -> None:
        super().__init__(database, database.open)
        self.before: dict[str, Callable[[], Awaitable[None]]] = {}

    async def run(self, statement: LiteralString, *values: object) -> Sequence[tuple[Any, ...]]:
        """Let it happen, and run the statement."""
        if (happens := self.before.pop(statement, None)) is not None:
            await happens()
        return await super().run(statement, *values)
