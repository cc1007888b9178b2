"""What can be asked of batches, and what can happen to them.

Class names are wire names and log names: rename with care (`wire/upcasters.py`).
A new field of an event needs a default, so that the log of yesterday still loads.
"""

from dataclasses import dataclass
from typing import Annotated, TypeAlias

from annotated_types import Ge, Le

from app.domain.ids import Id

Total: TypeAlias = Annotated[int, Ge(1), Le(100_000)]
Count: TypeAlias = Annotated[int, Ge(0), Le(100_000)]

# Commands: what clients ask for.


@dataclass(frozen=True, slots=True)
class StartBatch:
    """Work through so many items; without a `batch_id` the service makes one."""

    total_items: Total
    batch_id: Id | None = None


@dataclass(frozen=True, slots=True)
class CancelBatch:
    """Give up the items of a batch that are not done yet."""

    batch_id: Id


# Commands of the service's own: no client can send them.


@dataclass(frozen=True, slots=True)
class RecordProgress:
    """More items of a batch are done: so many with success, and so many without."""

    batch_id: str
    succeeded: Count
    failed: Count


# Events: what happened.


@dataclass(frozen=True, slots=True)
class BatchProcessStarted:
    """A batch has begun."""

    batch_id: str
    total_items: int


@dataclass(frozen=True, slots=True)
class BatchProcessProgress:
    """So many of a batch's items are done by now, all together."""

    batch_id: str
    processed: int
    total: int
    succeeded: int
    failed: int


@dataclass(frozen=True, slots=True)
class BatchProcessCompleted:
    """All items of the batch are done."""

    batch_id: str
    succeeded: int
    failed: int


@dataclass(frozen=True, slots=True)
class BatchProcessCancelled:
    """The batch was given up; what is done stays done."""

    batch_id: str


JobCommand: TypeAlias = StartBatch | CancelBatch
JobSystemCommand: TypeAlias = RecordProgress
JobEvent: TypeAlias = (
    BatchProcessStarted | BatchProcessProgress | BatchProcessCompleted | BatchProcessCancelled
)
JobAction: TypeAlias = JobCommand | JobSystemCommand | JobEvent


def topic(event: JobEvent) -> str:
    """Who may hear this: whoever may follow the work."""
    return "jobs"
