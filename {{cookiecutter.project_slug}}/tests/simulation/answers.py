"""Whether what clients are told is true: of what was stored, and of what was not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

from app.core.rejected import Code, Rejected
from app.domain import Command, Event, State
from app.runtime.commit import CONFLICTS, CONTENDED
from app.runtime.decision import Request
from app.runtime.group import Outcome
from app.wire import codec
from tests.simulation.disk import Disk
from tests.simulation.violation import require

if TYPE_CHECKING:
    from tests.simulation.errands import Errand
    from tests.simulation.life import Life


def check_refusal(errand: Errand, refusal: Rejected, life: Life, since: int) -> None:
    """It is by what was so when the client asked, or later, whoever else has written.

    The log had `since` entries when the client asked.
    """
    if refusal.message == CONTENDED.message:
        least = since + CONFLICTS // 2
        require(len(life.world.disk.entries) > least, "a few conflicts made a command impossible")
    elif refusal.code not in (Code.UNAVAILABLE, Code.ID_REUSED) and life.store is not None:
        request: Request[Command] = Request(errand.command, errand.by, "again")
        life.world.replica.check_refusal(request, refusal.message, since, life.store.now())


def check_stored(errand: Errand, outcome: Outcome[State, Event], disk: Disk) -> None:
    """The events that were answered stand in the log, at their positions, as its own."""
    for happened in outcome.events:
        if happened.seq is not None:
            entry = disk.entries[happened.seq - 1]
            found = (entry.event, entry.principal, entry.cause)
            told = (happened.json, errand.by.name, errand.id)
            require(found == told, f"{told} was answered, but the log has {found}")


def check_answers(errands: Sequence[Errand], disk: Disk) -> None:
    """What was done stands in the log; what was refused has left no trace.

    But for a client that moved to another node: what it has left behind may be done later.
    """
    named = {(entry.principal, entry.cause) for entry in disk.entries if entry.outcome is None}
    for errand in errands:
        name = f"{errand.by.name}/{errand.id}"
        require(errand.is_over, f"{name} is never answered")
        if errand.id is not None and errand.first is None and errand.answer is not None:
            is_done = errand.answer[0].isdigit()
            is_there = (errand.by.name, errand.id) in named
            words = f"{name} was answered {errand.answer}, but the log says otherwise"
            require(is_there is is_done or (is_there and errand.has_moved), words)


def check_nameless(errands: Sequence[Errand], disk: Disk) -> None:
    """A command without an id is decided no more often than it was sent."""
    left: Counter[tuple[str, Command | None]] = Counter()
    for errand in errands:
        if errand.id is None:
            left[errand.by.name, errand.command] += errand.sent
    for entry in disk.entries:
        if entry.action is not None and entry.cause is None and entry.outcome is None:
            name = entry.principal, codec.decode_command(entry.action)
            left[name] -= 1
            require(left[name] >= 0, f"{name} is decided more often than it was sent")
