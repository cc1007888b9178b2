"""What nodes on one Postgres let each other know by NOTIFY: that the log has grown, and more."""

from collections.abc import Sequence

import structlog

from app.runtime.event_log.announcements import Announcements, require_announceable
from app.runtime.event_log.growth import Growth
from app.runtime.event_log.port import ANNOUNCED_BYTES
from app.runtime.event_log.postgres_text import with_nul, without_nul

# A notification has less than 8000 bytes, a character of it four at most.
PIECE_CHARACTERS = 1_900
# Of an announcement, each of whose characters may have become two.
MOST_PIECES = 2 * ANNOUNCED_BYTES // PIECE_CHARACTERS + 1
DIGITS = 19  # of a position, which is a bigint

log = structlog.get_logger(__name__)


def pieces_of(text: str, node: str) -> Sequence[str]:
    """An announcement of this node in as many notifications as it takes; raises TooLarge."""
    require_announceable(text)
    data = without_nul(text)
    starts = range(0, max(len(data), 1), PIECE_CHARACTERS)
    return [
        f"{'more' if start != starts[-1] else 'last'} {node} {start} "
        + data[start : start + PIECE_CHARACTERS]
        for start in starts
    ]


class Notifications:
    """Hears what other nodes say, and puts announcements together again.

    The notifications of one transaction come one after another: so what has begun is of one node.
    """

    def __init__(self, node: str, growth: Growth, announcements: Announcements) -> None:
        self._node = node
        self._growth = growth
        self._announcements = announcements
        self._begun_by = ""
        self._pieces: list[str] = []

    def hear(self, payload: str) -> None:
        """Take one notification; whoever can connect to the database can say anything here."""
        match payload.split(" ", 3):
            case ["grown", end] if end.isdecimal() and len(end) <= DIGITS:
                self._growth.told(int(end))
            case ["more" | "last" as what, node, start, piece]:
                if node != self._node:
                    self._piece(node, start == "0", piece, what == "last")
            case _:
                log.warning("what is said of the event log cannot be read", words=payload[:100])

    def _piece(self, node: str, is_first: bool, piece: str, is_last: bool) -> None:
        if is_first:
            self._begun_by, self._pieces = node, []
        if node != self._begun_by or len(self._pieces) == MOST_PIECES:
            return  # the beginning was lost with a connection, or it is no announcement
        self._pieces.append(piece)
        if is_last:
            self._announcements.hear(with_nul("".join(self._pieces)))
            self._begun_by, self._pieces = "", []
