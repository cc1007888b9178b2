"""Batches in a simulation, and their work."""

from collections.abc import Mapping
from dataclasses import dataclass
from random import Random
from typing import Any

from app.core.principal import Principal
from app.domain import Command, State
from app.domain.jobs.actions import (
    BatchProcessCancelled,
    BatchProcessCompleted,
    BatchProcessProgress,
    BatchProcessStarted,
    CancelBatch,
    StartBatch,
)
from app.domain.jobs.state import Status
from tests.simulation.features import Story
from tests.simulation.outside import Outside

WEIGHT = 2
KEPT, RUNNING = 2, 3
LIMITS = {
    "app.domain.jobs.state": {"KEPT": KEPT},
    "app.domain.jobs.reducer": {"RUNNING": RUNNING},
}


@dataclass
class SimulatedWork:
    """The same items fail at every attempt."""

    outside: Outside

    async def do(self, batch_id: str, item: int) -> bool:
        """Do an item; now and then it cannot be done just now."""
        if item % 4 == 0:
            await self.outside.trouble()
        return item % 5 != 0


def ports(outside: Outside) -> Mapping[str, Any]:
    """The work."""
    return {"work": SimulatedWork(outside)}


def command(chance: Random, state: State, principal: Principal) -> Command:
    """Start a batch of few items or of many, or cancel one."""
    batches = state.jobs.newest_first()
    batch_id = chance.choice(batches).batch_id if batches else "none"
    if chance.random() < 0.4:
        return CancelBatch(batch_id)
    return StartBatch(chance.choice((1, 4, 13)), chance.choice((None, None, batch_id)))


def check(state: State) -> None:
    """No more is done of a batch than there is, and all of it when it is completed.

    No more run than may; of those that have ended no more are kept than are to be.
    """
    for batch in state.jobs.newest_first():
        assert batch.processed == batch.succeeded + batch.failed <= batch.total
        assert (batch.status is Status.COMPLETED) <= (batch.processed == batch.total)
    assert 0 <= state.jobs.running <= RUNNING
    assert len(state.jobs.ended) <= KEPT


def finish(story: Story) -> None:
    """Every batch has ended, but for those whose work was given up; each item counts once.

    After it was cancelled nothing is heard of its work. A batch's id is free when it is forgotten.
    """
    running: dict[str, tuple[int, int]] = {}
    ended: list[str] = []
    for position, event in story.events.items():
        match event:
            case BatchProcessStarted(batch_id, total):
                assert batch_id not in (*running, *ended[-KEPT:])
                running[batch_id] = position, total
            case BatchProcessProgress(batch_id):
                assert batch_id in running
            case BatchProcessCompleted(batch_id, succeeded, failed):
                _, total = running.pop(batch_id)
                ended.append(batch_id)
                assert failed == len(range(0, total, 5))
                assert succeeded == total - failed
            case BatchProcessCancelled(batch_id):
                begun, _ = running.pop(batch_id)
                ended.append(batch_id)
                assert story.last.get(begun, 0) < position, f"the work of {batch_id} goes on"
    for batch_id, (position, _) in running.items():
        assert story.is_discarded(position), f"batch {batch_id} does not end"
    assert list(story.state.jobs.ended) == ended[-KEPT:]
    assert sorted(story.state.jobs.by_id) == sorted((*running, *ended[-KEPT:]))
