"""What nodes say of themselves, again and again: the latest of each, until it is old."""

import secrets
from collections.abc import Callable, Mapping
from time import monotonic
from typing import Any

import orjson

MOST = 10_000


class Reports:
    """Says what is to be known of this node to the others, and keeps what they say.

    Nothing here is stored, nor sure: what is lost is said again, and a node that is gone is
    forgotten.
    """

    def __init__(self, announce: Callable[[bytes], None]) -> None:
        self._announce = announce
        self._node = secrets.token_hex(8)
        self._heard: dict[tuple[str, str], tuple[float, Any]] = {}

    def say(self, about: str, facts: object) -> None:
        """Let the other nodes know; `facts` are what JSON can say."""
        self._announce(orjson.dumps({"node": self._node, "about": about, "facts": facts}))

    def hear(self, report: Mapping[str, Any]) -> None:
        """Another node has said this; it takes the place of what it had said before."""
        key = report["about"], report["node"]
        if key in self._heard or len(self._heard) < MOST:
            self._heard[key] = monotonic(), report["facts"]

    def of_others(self, about: str, seconds: float) -> list[Any]:
        """What each other node has last said about it, within so many seconds."""
        since = monotonic() - seconds
        for key, (at, _) in list(self._heard.items()):
            if key[0] == about and at < since:
                del self._heard[key]
        return [facts for (name, _), (_, facts) in self._heard.items() if name == about]
