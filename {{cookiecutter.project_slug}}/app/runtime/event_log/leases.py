"""Leases without a common clock: one that is not renewed for long enough has lapsed."""

import time
from collections.abc import Hashable


class Watch:
    """How long leases that others hold have not been renewed, as this node has seen it."""

    def __init__(self) -> None:
        self._seen: dict[str, tuple[Hashable, float]] = {}

    def has_lapsed(self, name: str, renewal: Hashable, seconds: float) -> bool:
        """Whether nothing has come after this renewal for so long; it is asked now and then."""
        now = time.monotonic()
        seen, since = self._seen.get(name, (None, now))
        if seen != renewal:
            self._seen[name] = renewal, now
            return False
        return now - since >= seconds
