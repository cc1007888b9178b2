"""The lease under which effects are performed: of the nodes that share a log, one at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from time import monotonic

import structlog

from app.runtime.event_log.port import EventLog, LogUnavailable

LEASE = "effects"
LEASE_SECONDS = 6.0
RENEWALS = 3

log = structlog.get_logger(__name__)


class Lease:
    """Claims the lease, renews it while it can, and knows when it is over.

    `began` is called when this node has it, `ended` when it has it no more. `is_reachable` says
    whether the log answered the last time it was asked.
    """

    def __init__(
        self, event_log: EventLog, began: Callable[[], None], ended: Callable[[], None]
    ) -> None:
        self.is_reachable = True
        self._log = event_log
        self._began = began
        self._ended = ended
        self._term: int | None = None
        self._until = 0.0
        self._end: asyncio.TimerHandle | None = None
        self._asking = asyncio.Lock()
        self._has_left = False

    @property
    def is_held(self) -> bool:
        """Whether the lease is this node's now; a node that was paused finds that it is not."""
        return self._term is not None and monotonic() < self._until

    async def keep(self) -> None:
        """Claim and renew, for as long as the task lives, or until it is given up."""
        while not self._has_left:
            async with self._asking:
                await self._claim()
            await asyncio.sleep(LEASE_SECONDS / RENEWALS)

    async def give_up(self) -> None:
        """Let another node have it at once: after the claim that is under way, and for good."""
        self._has_left = True
        try:
            async with asyncio.timeout(LEASE_SECONDS), self._asking:
                had, self._term = self._term, None
                if had is not None:
                    await self._log.release(LEASE)
        except (TimeoutError, LogUnavailable) as problem:  # it lapses by itself
            words = str(problem) or "no answer in time"
            log.warning("the lease could not be given back", problem=words)
        if self._end is not None:
            self._end.cancel()

    async def _claim(self) -> None:
        asked = monotonic()  # the seconds count from before the call
        try:
            term = await self._log.claim(LEASE, LEASE_SECONDS)
        except LogUnavailable as problem:
            if self.is_reachable:
                log.error("the event log cannot be reached", problem=str(problem))
            self.is_reachable = False
            return
        if not self.is_reachable:
            log.info("the event log can be reached again")
        self.is_reachable = True
        if term is None:
            self._lapse()
        else:
            self._renew(term, asked + LEASE_SECONDS)

    def _renew(self, term: int, until: float) -> None:
        if self._term != term:
            self._lapse()
        is_new, self._term, self._until = self._term is None, term, until
        if self._end is not None:
            self._end.cancel()
        self._end = asyncio.get_running_loop().call_later(until - monotonic(), self._lapse)
        if is_new:
            log.info("this node performs the effects", term=term)
            self._began()

    def _lapse(self) -> None:
        if self._term is not None:
            self._term = None
            log.warning("this node performs no effects any more: it has lost the lease")
            self._ended()
