"""What the Store asks of an event log, whatever the engine."""

from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol, TypeAlias


class Entry(NamedTuple):
    """One position of the log: an event, the note of what became of an effect, or both.

    `time` is in microseconds since 1970, UTC. `command` names the one decision that entries belong
    to; the first of them has the `action` that was decided, as JSON. `cause` is the client's own
    id of the command at the root of it all. `settles` is the origin of an effect that ends here,
    `continues` of one that goes on; `outcome` says how.
    """

    position: int
    time: int
    command: str
    principal: str
    role: str
    cause: str | None = None
    action: str | None = None
    event: str | None = None
    effects: str | None = None
    settles: str | None = None
    continues: str | None = None
    outcome: str | None = None


# A part of a snapshot: its name, and a piece of it as JSON.
Row: TypeAlias = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All that the log said at `position`, by the code of this fingerprint."""

    position: int
    fingerprint: str
    rows: Iterable[Row]


class Conflict(Exception):
    """The log does not end where the writer believed; nothing was appended."""


class LogFull(Exception):
    """There is no room for the entries; nothing was appended, and it may succeed later."""


class AnswerLost(Exception):
    """Nobody knows whether the entries were appended: the log must be read to know.

    An engine that raises this makes sure that what was not there by then never comes.
    """


class EventLog(Protocol):
    """A total order of entries, at positions 1, 2, 3 … without holes.

    `epoch` is random, made with the log: positions of another epoch mean nothing here. What an
    engine raises besides the three exceptions above is fatal: the process ends, and replays.
    """

    epoch: str

    async def append(self, expected: int, entries: Sequence[Entry]) -> None:
        """Store all entries or none, durably; raises Conflict unless the log ends at `expected`."""

    async def read(self, after: int, limit: int) -> Sequence[Entry]:
        """At most `limit` entries from the one after position `after`."""

    async def save_snapshot(
        self, position: int, fingerprint: str, rows: AsyncIterator[Sequence[Row]]
    ) -> None:
        """Store a snapshot in place of the one before; half a snapshot is never seen."""

    async def load_snapshot(self, fingerprint: str) -> Snapshot | None:
        """The snapshot, if there is one and this fingerprint is its own."""

    def close(self) -> None:
        """Let go of the log; what was appended stays."""
