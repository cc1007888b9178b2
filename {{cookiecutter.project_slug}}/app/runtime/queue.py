"""What waits to be decided, in the order in which it came."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Generic

from app.core.rejected import Code, Rejected
from app.runtime.commit import refuse_all
from app.runtime.decision import Note, Request
from app.runtime.group import Outcome, Then, Waiting
from app.runtime.rules import Command, Event, State

WAITING_COMMANDS = 10_000
COMMANDS_A_COMMIT = 512

BUSY = Rejected(Code.UNAVAILABLE, f"{WAITING_COMMANDS} commands are waiting already", retry_after=1)
NOT_OURS = Rejected(Code.UNAVAILABLE, "another node performs the effects")


class Queue(Generic[State, Command, Event]):
    """Requests and notes that wait for their commit; `wake` is called for each that comes."""

    def __init__(self, wake: Callable[[], None]) -> None:
        self._waiting: deque[Waiting[State, Command, Event]] = deque()
        self._wake = wake
        self._loop = asyncio.get_running_loop()

    def __len__(self) -> int:
        return len(self._waiting)

    @property
    def is_full(self) -> bool:
        """Whether clients have to come back later; what effects lead to always has room."""
        return len(self._waiting) >= WAITING_COMMANDS

    def put(
        self,
        request: Request[Command] | Note,
        then: Then[State, Event] | None = None,
        refusal: Rejected | None = None,
    ) -> asyncio.Future[Outcome[State, Event]]:
        """Let it wait behind all others, or refuse it at once; the future is its answer."""
        waiting = Waiting(request, self._loop.create_future(), then)
        if refusal is None:
            self._waiting.append(waiting)
            self._wake()
        else:
            waiting.refuse(refusal)
        return waiting.answer

    def next_group(self, *, with_effects: bool) -> list[Waiting[State, Command, Event]]:
        """What is to be decided next, together; what effects led to, only if they are ours."""
        size = min(len(self._waiting), COMMANDS_A_COMMIT)
        group = [self._waiting.popleft() for _ in range(size)]
        if with_effects:
            return group
        refuse_all(filter(_is_of_effect, group), NOT_OURS)
        return [waiting for waiting in group if not _is_of_effect(waiting)]

    def refuse_all(self, refusal: Rejected) -> None:
        """Give everything that waits the same refusal: nothing will be decided any more."""
        refuse_all(self._waiting, refusal)


def _is_of_effect(waiting: Waiting[State, Command, Event]) -> bool:
    """Whether it is what performing an effect has led to, and not what somebody asks for."""
    request = waiting.request
    return not request.dead if isinstance(request, Note) else request.origin is not None
