"""Effects that wait for their time, and the one alarm that rings for the earliest of them."""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Callable, Iterable, Sequence

from app.runtime.decision import MICROSECONDS

LONGEST_SLEEP_SECONDS = 60  # the wall clock may be set meanwhile
SWEEP_AFTER = 1000


class Timers:
    """Origins of effects, each with the time when it is due, in microseconds since 1970, UTC.

    `ring` is called with those that are due. Once many were cancelled, what `is_wanted` no longer
    says yes to is forgotten: most Delays are cancelled long before their time.
    """

    def __init__(
        self,
        now: Callable[[], int],
        is_wanted: Callable[[str], bool],
        ring: Callable[[Sequence[str]], None],
    ) -> None:
        self._now = now
        self._is_wanted = is_wanted
        self._ring = ring
        self._waiting: list[tuple[int, str]] = []
        self._alarm: asyncio.TimerHandle | None = None
        self._cancelled = 0
        self._is_stopped = False

    def set(self, due: int, origin: str) -> None:
        """Ring for this origin then, or at once if that is past."""
        if self._is_stopped:
            return
        heapq.heappush(self._waiting, (due, origin))
        if self._waiting[0][1] == origin:  # else the alarm rings earlier anyway
            self._arm()

    def set_all(self, timers: Iterable[tuple[int, str]]) -> None:
        """The same for many, in whatever order they come: the alarm is set once."""
        if self._is_stopped:
            return
        self._waiting.extend(timers)
        heapq.heapify(self._waiting)
        self._arm()

    def cancel(self, count: int) -> None:
        """So many effects have ended before their time; not all of them need have had a timer."""
        self._cancelled += count
        if self._cancelled > SWEEP_AFTER + len(self._waiting) // 2:
            self._cancelled = 0
            self._waiting = [timer for timer in self._waiting if self._is_wanted(timer[1])]
            heapq.heapify(self._waiting)

    def stop(self) -> None:
        """Ring no more."""
        self._is_stopped = True
        self._waiting.clear()
        if self._alarm is not None:
            self._alarm.cancel()

    def _arm(self) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
        if self._waiting:
            seconds = (self._waiting[0][0] - self._now()) / MICROSECONDS
            seconds = min(max(seconds, 0.0), LONGEST_SLEEP_SECONDS)
            self._alarm = asyncio.get_running_loop().call_later(seconds, self._look)

    def _look(self) -> None:
        now = self._now()
        due: list[str] = []
        while self._waiting and self._waiting[0][0] <= now:
            due.append(heapq.heappop(self._waiting)[1])
        self._arm()
        self._ring(due)
