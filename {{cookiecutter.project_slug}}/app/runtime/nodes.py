"""One node among those that share an event log."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

import orjson
import structlog

from app.runtime.event_log.port import Entry, EventLog, LogUnavailable, TooLarge
from app.runtime.lease import Lease
from app.runtime.reports import Reports

UNSAID = 1_000

log = structlog.get_logger(__name__)


class Nodes:
    """Hears what others store and announce, and takes its turn at performing effects.

    `wake` is called when there is something to take; `hear` with the JSON of an ephemeral event of
    another node, and its cause. Of a log that nobody shares there is nothing to hear, and its
    effects are this node's from the start.
    """

    def __init__(
        self,
        event_log: EventLog,
        *,
        wake: Callable[[], None],
        ended: Callable[[], None],
        hear: Callable[[str, str | None], None],
    ) -> None:
        self._log = event_log
        self._wake = wake
        self._hear = hear
        self._is_shared = event_log.is_shared
        self._lease = Lease(event_log, self._began, ended)
        self.reports = Reports(self._report)
        self._has_begun = not self._is_shared
        self._stored: Sequence[Entry] = ()
        self._taken = asyncio.Event()
        self._unsaid: deque[bytes] = deque(maxlen=UNSAID)
        self._said = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def is_reachable(self) -> bool:
        """Whether the log can be reached, as far as this node knows."""
        return self._lease.is_reachable

    @property
    def has_turn(self) -> bool:
        """Whether it is this node that performs effects."""
        return not self._is_shared or self._lease.is_held

    @property
    def is_due(self) -> bool:
        """Whether its turn has begun, and it has not taken it yet."""
        return self._has_begun and self.has_turn

    @property
    def has_stored(self) -> bool:
        """Whether the log has grown by what is still to be taken."""
        return bool(self._stored)

    def start(self, tasks: asyncio.TaskGroup, position: int) -> None:
        """Listen from a position on, in tasks that the group owns."""
        if self._is_shared:
            running = {
                "follow": self._follow(position),
                "lease": self._lease.keep(),
                "announce": self._announce(),
                "announcements": self._listen(),
            }
            self._tasks = [tasks.create_task(work, name=name) for name, work in running.items()]

    async def leave(self) -> None:
        """Hear no more, and let another node perform the effects."""
        if self._tasks:
            await self._lease.give_up()
            for task in self._tasks:
                task.cancel()
            await asyncio.wait(self._tasks)

    def take_stored(self) -> Sequence[Entry]:
        """What the log has grown by; this node's own is among it."""
        stored, self._stored = self._stored, ()
        self._taken.set()
        return stored

    def turn_taken(self) -> None:
        """Note that this node performs the effects now."""
        self._has_begun = False

    def tell(self, event: str, cause: str | None) -> None:
        """Let the other nodes hear of an event that is stored nowhere; at most once."""
        if self._is_shared:
            self._say(orjson.dumps([event, cause]))

    def _report(self, report: bytes) -> None:
        if self._is_shared and self.is_reachable:  # else it would be old when it is heard
            self._say(report)

    def _say(self, announcement: bytes) -> None:
        self._unsaid.append(announcement)
        self._said.set()

    def _began(self) -> None:
        self._has_begun = True
        self._wake()

    async def _follow(self, position: int) -> None:
        async for entries in self._log.tail(position):
            self._stored = entries
            self._taken.clear()
            self._wake()
            await self._taken.wait()

    async def _announce(self) -> None:
        while True:
            self._said.clear()
            while self._unsaid:
                try:
                    await self._log.announce(self._unsaid.popleft().decode())
                except (LogUnavailable, TooLarge) as problem:
                    log.warning("other nodes do not hear of an event", problem=str(problem))
            await self._said.wait()

    async def _listen(self) -> None:
        async for text in self._log.announcements():
            match _parsed(text):
                case [str(event), None | str() as cause]:
                    self._hear(event, cause)
                case {"node": str(), "about": str(), "facts": _} as report:
                    self.reports.hear(report)
                case _:  # of another version, or of another program
                    log.warning("an announcement cannot be read", words=text[:100])


def _parsed(text: str) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return None
