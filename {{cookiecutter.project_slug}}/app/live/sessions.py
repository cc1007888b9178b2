"""Every live session: who is here, and who has to go."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Protocol

import structlog

from app.domain import Event
from app.domain.revocation.actions import TokensRevoked
from app.live import closing
from app.observe.beating import beating
from app.runtime.decision import Happened

log = structlog.get_logger(__name__)


class Session(Protocol):
    """One client, as far as its coming and going is concerned."""

    @property
    def is_stream(self) -> bool:
        """Whether it only listens, by HTTP."""

    @property
    def buffered(self) -> int:
        """How many bytes wait to be sent."""

    @property
    def is_revoked(self) -> bool:
        """Whether its token counts no more."""

    @property
    def ends(self) -> float:
        """When its time is over, in seconds since 1970; infinity for one that may stay."""

    def expire(self) -> None:
        """Close it, for its time is over."""

    def close(self, code: int, reason: str) -> None:
        """Say goodbye."""


class Sessions:
    """The sessions of this process, which have nothing to hear once it `has_ended`."""

    def __init__(self, has_ended: Callable[[], bool] = lambda: False) -> None:
        self._has_ended = has_ended
        self._sessions: dict[Session, float] = {}
        self._next = math.inf  # before it nobody's time is over: they need not be looked at
        self._empty = asyncio.Event()
        self._empty.set()

    def __len__(self) -> int:
        return len(self._sessions)

    def add(self, session: Session) -> None:
        """One has come, or has another time to go."""
        self._sessions[session] = ends = session.ends
        self._next = min(self._next, ends)
        self._empty.clear()

    def remove(self, session: Session) -> None:
        """One has gone."""
        self._sessions.pop(session, None)
        if not self._sessions:
            self._empty.set()

    def streams(self) -> int:
        """How many of them are streams of events."""
        return sum(session.is_stream for session in self._sessions)

    def queued_bytes(self) -> int:
        """How much waits to be sent, to all of them."""
        return sum(session.buffered for session in self._sessions)

    def hear_of(self, events: Sequence[Happened[Event]]) -> None:
        """Close the sessions of those whose tokens have been revoked."""
        if any(isinstance(happened.event, TokensRevoked) for happened in events):
            for session in list(self._sessions):
                if session.is_revoked:
                    session.close(closing.REVOKED, "the token has been revoked")

    def watched(self) -> AbstractAsyncContextManager[None]:
        """Close those whose time is over, or all when there is nothing more to hear."""
        return beating("sessions", 1, self._look)

    async def drain(self, seconds: float) -> None:
        """Send everybody away, to come back to the next process; wait for them, but not longer."""
        self._send_away()
        try:
            async with asyncio.timeout(seconds):
                await self._empty.wait()
        except TimeoutError:
            log.warning("some clients did not answer the close", clients=len(self._sessions))

    def _send_away(self) -> None:
        for session in list(self._sessions):
            session.close(closing.DRAINING, "this process is stopping: resume at the next")

    def _look(self) -> None:
        if self._has_ended():
            self._send_away()
        if (now := time.time()) < self._next:
            return
        for session in [each for each, ends in self._sessions.items() if ends <= now]:
            session.expire()
        self._next = min(self._sessions.values(), default=math.inf)
