"""Leases without a common clock: one that is not renewed for long enough has lapsed."""

from time import monotonic
from typing import NamedTuple


class Lease(NamedTuple):
    """What a log says of a lease. Each `renewal` differs from the one before."""

    holder: str | None
    term: int
    renewal: object


class Watch:
    """When this node has renewed its leases, and how long others have not renewed theirs."""

    def __init__(self, node: str) -> None:
        self._node = node
        self._own: dict[str, float] = {}
        self._seen: dict[str, tuple[object, float]] = {}

    def term(self, name: str, found: Lease, seconds: float) -> int | None:
        """The term that this node may claim a lease for; None: another has it. Ask now and then."""
        if found.holder is None:
            return found.term + 1
        if found.holder == self._node:
            return found.term + (monotonic() >= self._own.get(name, float("-inf")) + seconds)
        return found.term + 1 if self._has_lapsed(name, found, seconds) else None

    def renewed(self, name: str, asked: float) -> None:
        """It is claimed by this node, which asked for it then."""
        self._own[name] = asked

    def released(self, name: str) -> None:
        """It is given back, whether the log knows or not."""
        self._own.pop(name, None)

    def _has_lapsed(self, name: str, found: Lease, seconds: float) -> bool:
        now, which = monotonic(), (found.term, found.renewal)
        seen, since = self._seen.get(name, (None, now))
        if seen != which:
            self._seen[name] = which, now
            return False
        return now - since >= seconds
