"""What the Store asks of an event log, whatever the engine."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Entry:
    """One position of the log.

    Mostly an event, with the effects it asks for; or the bare note that an effect has ended.
    `time` is in microseconds since 1970, UTC. `command` names the one decision that an entry
    belongs to, and `cause` the client's own id of the command at the root of it all.
    """

    position: int
    time: int
    command: str
    principal: str
    cause: str | None = None
    event: str | None = None
    effects: str | None = None
    settles: str | None = None
    outcome: str | None = None


class Conflict(Exception):
    """The log does not end where the writer believed; nothing was appended."""


class LogFull(Exception):
    """There is no room for the entries; nothing was appended, and it may succeed later."""


class EventLog(Protocol):
    """A total order of entries, at positions 1, 2, 3 … without holes.

    `epoch` is random, made with the log: positions of another epoch mean nothing here.
    """

    epoch: str

    async def append(self, expected: int, entries: Sequence[Entry]) -> None:
        """Store all entries or none, durably; raises Conflict unless the log ends at `expected`."""

    async def read(self, after: int, limit: int) -> Sequence[Entry]:
        """At most `limit` entries from the one after position `after`."""

    def close(self) -> None:
        """Let go of the log; what was appended stays."""
