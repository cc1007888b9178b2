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


# What one announcement may be, so that every engine can carry it.
ANNOUNCED_BYTES = 128 * 1024

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


class LogUnavailable(Exception):
    """The log cannot be reached; nothing was appended, and it may succeed later.

    The words name the log by its address, without a password.
    """


class LogFull(LogUnavailable):
    """There is no room for the entries; nothing was appended, and it may succeed later."""


class TooLarge(Exception):
    """More than the engine takes at once; nothing was appended, and fewer entries may fit."""


class AnswerLost(Exception):
    """Nobody knows whether the entries were appended: the log must be read to know.

    An engine that raises this makes sure that what is not there when `read` next answers never
    comes: until it can, `read` raises LogUnavailable.
    """


class EventLog(Protocol):
    """A total order of entries, at positions 1, 2, 3 … without holes, shared by many nodes.

    `epoch` is random, made with the log, known once `connect` has returned: positions of another
    epoch mean nothing here. A connection that breaks is made again by whatever is called next.
    Besides the exceptions above, an engine raises StartRefused when trying again is of no use, and
    when it finds another epoch after a connection broke, or other entries in place of those that
    it has seen; while these are only missing, it raises LogUnavailable. All else is fatal: the
    process ends, and replays.
    """

    @property
    def epoch(self) -> str:
        """The name of this log's positions."""

    @property
    def is_shared(self) -> bool:
        """Whether other nodes may write to it as well."""

    async def connect(self) -> None:
        """Reach the log, which is made when absent; called before all else, until it returns.

        Raises LogUnavailable when it may succeed later.
        """

    async def append(self, expected: int, entries: Sequence[Entry]) -> None:
        """Store all entries or none, durably; raises Conflict unless the log ends at `expected`.

        So a node that was paused stores nothing stale: it has to read on first. Raises
        LogUnavailable, TooLarge or AnswerLost as well.
        """

    async def read(self, after: int, limit: int) -> Sequence[Entry]:
        """At most `limit` entries from the one after position `after`; raises LogUnavailable.

        All that was stored before the call is there.
        """

    async def end(self) -> int:
        """The position of the last entry that was stored before the call; raises LogUnavailable."""

    def tail(self, after: int) -> AsyncIterator[Sequence[Entry]]:
        """Every entry after a position, as they are appended by whatever node, this one included.

        Without gap or repeat, also across lost connections, which are waited for.
        """

    async def save_snapshot(
        self, position: int, fingerprint: str, rows: AsyncIterator[Sequence[Row]]
    ) -> None:
        """Store a snapshot in place of the one before; half a snapshot is never seen.

        Raises LogUnavailable: then the one before is still there, or, if it was at the same
        position, it may be gone.
        """

    async def load_snapshot(self, fingerprint: str | None) -> Snapshot | None:
        """The snapshot, if there is one and this fingerprint is its own, or None is given.

        Raises LogUnavailable.
        """

    async def claim(self, name: str, seconds: float) -> int | None:
        """Take or renew the lease of this name for so long; its term, or None: another has it.

        At most one node holds it. Its term stays while it is renewed, and each new holding has a
        greater one, wherever. Whoever holds it counts the seconds from before the call, by a clock
        that nobody sets, and holds nothing once they are over: neither a renewal that raises
        LogUnavailable nor a pause of the process makes it longer.
        """

    async def release(self, name: str) -> None:
        """Let another node have the lease at once, if this one has it; raises LogUnavailable."""

    async def announce(self, text: str) -> None:
        """Tell all other nodes, those that are connected now; at most once, and kept nowhere.

        Raises LogUnavailable, and TooLarge for more than ANNOUNCED_BYTES of UTF-8.
        """

    def announcements(self) -> AsyncIterator[str]:
        """What other nodes announce from now on; the oldest are dropped for a slow reader."""

    async def close(self) -> None:
        """Let go of the log; what was appended stays. Leases are not released."""
