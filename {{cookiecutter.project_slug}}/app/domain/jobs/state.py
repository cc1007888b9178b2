"""All batches that run and the last that have ended, as one immutable value."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import StrEnum

from rpds import HashTrieMap

from app.core.principal import Principal

KEPT = 200
SHOWN = 50


class Status(StrEnum):
    """A batch is running until it is completed or cancelled."""

    RUNNING = "running"
    COMPLETED = "completed"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class Batch:
    """One batch. `number` counts batches from 1, in the order in which they were started."""

    batch_id: str
    status: Status
    total: int
    processed: int
    succeeded: int
    failed: int
    number: int


@dataclass(frozen=True, slots=True)
class Jobs:
    """Batches by id; `started` counts them all.

    `ended` are the ids of those that do not run any more, in the order in which they ended: of
    these the last 200 are kept.
    """

    by_id: HashTrieMap[str, Batch] = HashTrieMap()
    ended: tuple[str, ...] = ()
    started: int = 0

    @property
    def running(self) -> int:
        """How many batches run."""
        return len(self.by_id) - len(self.ended)

    def get(self, batch_id: str) -> Batch | None:
        """The batch, or None."""
        return self.by_id.get(batch_id)

    def added(self, batch: Batch) -> Jobs:
        """These batches and a new one."""
        return replace(self, by_id=self.by_id.insert(batch.batch_id, batch), started=batch.number)

    def progressed(self, batch_id: str, succeeded: int, failed: int) -> Jobs:
        """These batches, with so many items of one of them done by now."""
        batch = self.by_id[batch_id]
        processed = succeeded + failed
        batch = replace(batch, processed=processed, succeeded=succeeded, failed=failed)
        return replace(self, by_id=self.by_id.insert(batch_id, batch))

    def over(self, batch_id: str, status: Status) -> Jobs:
        """These batches after one of them ended so; the one that ended 200 before it is gone."""
        by_id = self.by_id.insert(batch_id, replace(self.by_id[batch_id], status=status))
        ended = (*self.ended, batch_id)
        for forgotten in ended[:-KEPT]:
            by_id = by_id.discard(forgotten)
        return replace(self, by_id=by_id, ended=ended[-KEPT:])

    def after(self, number: int) -> Iterator[Batch]:
        """Batches in the order in which they were started, from the one after `number`."""
        return (batch for batch in self._in_order() if batch.number > number)

    def newest_first(self) -> list[Batch]:
        """Batches from the one started last to the first."""
        return self._in_order()[::-1]

    def _in_order(self) -> list[Batch]:
        return sorted(self.by_id.values(), key=lambda batch: batch.number)


def view(jobs: Jobs, principal: Principal) -> list[Batch]:
    """What a client starts from: the batches started last, newest first, at most 50."""
    return jobs.newest_first()[:SHOWN]
