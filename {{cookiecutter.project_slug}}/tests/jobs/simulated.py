"""Batches in a simulation, and their work."""

from collections.abc import Mapping
from dataclasses import dataclass
from random import Random
from typing import Any

from app.core.principal import Principal
from app.domain import Command, State
from app.domain.jobs.actions import BatchProcessStarted, CancelBatch, StartBatch
from app.domain.jobs.state import Status
from tests.simulation.features import Story
from tests.simulation.outside import Outside

WEIGHT = 2


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
    """No more is done of a batch than there is, and all of it when it is completed."""
    for batch in state.jobs.newest_first():
        assert batch.processed == batch.succeeded + batch.failed <= batch.total
        assert (batch.status is Status.COMPLETED) <= (batch.processed == batch.total)


def finish(story: Story) -> None:
    """Every batch has ended, but for those whose work was given up; each item counts once."""
    for position, event in story.events.items():
        if isinstance(event, BatchProcessStarted) and not story.is_discarded(position):
            batch = story.state.jobs.get(event.batch_id)
            assert batch is not None
            assert batch.status is not Status.RUNNING, f"batch {batch.batch_id} does not end"
            if batch.status is Status.COMPLETED:
                assert batch.failed == len(range(0, batch.total, 5))
