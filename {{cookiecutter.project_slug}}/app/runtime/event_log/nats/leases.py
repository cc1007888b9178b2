"""Leases in a stream of their own: the last message of it says who has which."""

import secrets
from time import monotonic
from typing import Any

import orjson

from app.runtime.event_log.leases import Lease, Watch
from app.runtime.event_log.nats.stream import Stream, WrongSequence
from app.runtime.event_log.port import LogUnavailable

RENEWALS_KEPT = 100  # one is needed
TRIES = 20
NOBODYS = {"holder": None, "term": 0, "renewal": 0}


class NatsLeases:
    """Each change is one message, stored only after the one it was made from.

    The sequence is the whole stream's, which the servers agree on with each message; that of a
    subject would hang on an index of the leader's.
    """

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self._node = secrets.token_hex(8)
        self._watch = Watch(self._node)

    async def claim(self, name: str, seconds: float) -> int | None:
        """Take or renew a lease; its term, or None: another has it. Raises LogUnavailable."""
        for _ in range(TRIES):
            asked = monotonic()
            sequence, leases = await self._found()
            found = leases.get(name, NOBODYS)
            term = self._watch.term(name, Lease(**found), seconds)
            if term is None:
                return None
            renewal = found["renewal"] + 1
            leases[name] = {"holder": self._node, "term": term, "renewal": renewal}
            if await self._store(sequence, leases):
                self._watch.renewed(name, asked)
                return term
        raise LogUnavailable(self._stream.words("others claim leases all the time"))

    async def release(self, name: str) -> None:
        """Let another node have a lease at once, if this one has it; raises LogUnavailable."""
        self._watch.released(name)
        for _ in range(TRIES):
            sequence, leases = await self._found()
            if leases.get(name, {}).get("holder") != self._node:
                return
            leases[name]["holder"] = None
            if await self._store(sequence, leases):
                return
        raise LogUnavailable(self._stream.words("others claim leases all the time"))

    async def _found(self) -> tuple[int, dict[str, dict[str, Any]]]:
        last = await self._stream.last()
        return (last.sequence, orjson.loads(last.data)) if last is not None else (0, {})

    async def _store(self, sequence: int, leases: dict[str, dict[str, Any]]) -> bool:
        try:
            await self._stream.publish(orjson.dumps(leases), sequence)
        except WrongSequence:
            return False
        return True
