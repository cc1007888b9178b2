"""The rules of batches: what a command may do, and what an event changes."""

from typing import TypeAlias, assert_never

from app.core.effects import Append, Cancel, Effects, Parallel, Stream
from app.core.environment import Environment
from app.core.rejected import Code, Rejected
from app.domain.jobs.actions import (
    BatchProcessCancelled,
    BatchProcessCompleted,
    BatchProcessProgress,
    BatchProcessStarted,
    CancelBatch,
    JobAction,
    JobEvent,
    JobSystemCommand,
    RecordProgress,
    StartBatch,
)
from app.domain.jobs.state import Batch, Jobs, Status
from app.domain.jobs.tasks import ProcessItems

RUNNING = 1_000
UNDIVIDED = 10

JobEffects: TypeAlias = Effects[JobEvent, JobSystemCommand]


def reduce(state: Jobs, action: JobAction, env: Environment) -> tuple[Jobs, JobEffects]:
    """Decide a command, or apply an event."""
    match action:
        case StartBatch():
            require_place(state)
            return state, [Append(started(state, action, env))]

        case CancelBatch():
            batch = require_running(state, action.batch_id)
            return state, [Append(BatchProcessCancelled(batch.batch_id))]

        case RecordProgress():
            batch = require_running(state, action.batch_id)
            return state, progress(batch, action)

        case BatchProcessStarted():
            return state.added(batch_of(state, action)), [work(action)]

        case BatchProcessProgress():
            return state.progressed(action.batch_id, action.succeeded, action.failed), []

        case BatchProcessCompleted():
            return state.over(action.batch_id, Status.COMPLETED), []

        case BatchProcessCancelled():
            ended = state.over(action.batch_id, Status.CANCELLED)
            return ended, [Cancel(key_of(action.batch_id))]

        case _:
            assert_never(action)


def started(state: Jobs, command: StartBatch, env: Environment) -> BatchProcessStarted:
    """The batch as it begins, under an id that no other has."""
    batch_id = command.batch_id or f"batch-{env.new_id()}"
    if state.get(batch_id) is not None:
        raise Rejected(Code.CONFLICT, f"batch {batch_id} already exists")
    return BatchProcessStarted(batch_id, command.total_items)


def progress(batch: Batch, command: RecordProgress) -> JobEffects:
    """What is done of a batch by now, and that it is completed if that is all."""
    succeeded = batch.succeeded + command.succeeded
    failed = batch.failed + command.failed
    done = succeeded + failed
    recorded = BatchProcessProgress(batch.batch_id, done, batch.total, succeeded, failed)
    if done < batch.total:
        return [Append(recorded)]
    return [Append(recorded), Append(BatchProcessCompleted(batch.batch_id, succeeded, failed))]


def work(event: BatchProcessStarted) -> Parallel[RecordProgress] | Stream[RecordProgress]:
    """The items in two halves, side by side; a few are not worth dividing."""
    key, last = key_of(event.batch_id), event.total_items - 1
    if event.total_items <= UNDIVIDED:
        return Stream(ProcessItems(event.batch_id, 0, last), key)
    half = event.total_items // 2
    first = ProcessItems(event.batch_id, 0, half - 1)
    second = ProcessItems(event.batch_id, half, last)
    return Parallel((Stream(first, key), Stream(second, key)))


def key_of(batch_id: str) -> str:
    """The key of a batch's work; no id has a slash, so no other feature's key is the same."""
    return f"batch/{batch_id}"


def require_running(state: Jobs, batch_id: str) -> Batch:
    """The batch, which must exist and must not have ended."""
    batch = state.get(batch_id)
    if batch is None:
        raise Rejected(Code.NOT_FOUND, f"batch {batch_id} does not exist")
    if batch.status is not Status.RUNNING:
        raise Rejected(Code.CONFLICT, f"batch {batch_id} is {batch.status}, not running")
    return batch


def require_place(state: Jobs) -> None:
    """So many batches run at once, and no more."""
    if state.running >= RUNNING:
        raise Rejected(Code.CONFLICT, f"{RUNNING} batches are running already")


def batch_of(state: Jobs, event: BatchProcessStarted) -> Batch:
    """The batch that a `BatchProcessStarted` speaks of."""
    return Batch(
        batch_id=event.batch_id,
        status=Status.RUNNING,
        total=event.total_items,
        processed=0,
        succeeded=0,
        failed=0,
        number=state.started + 1,
    )
