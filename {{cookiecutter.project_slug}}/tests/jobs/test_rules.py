"""The rules of batches."""

import pytest

from app.core.effects import Cancel, Parallel, Stream
from app.core.principal import Principal, Role
from app.core.rejected import Code
from app.domain import Event
from app.domain.jobs.actions import (
    BatchProcessCancelled,
    BatchProcessCompleted,
    BatchProcessProgress,
    BatchProcessStarted,
    CancelBatch,
    RecordProgress,
    StartBatch,
    topic,
)
from app.domain.jobs.reducer import RUNNING, UNDIVIDED
from app.domain.jobs.state import KEPT, SHOWN, Batch, Status, view
from app.domain.jobs.tasks import ProcessItems
from tests.scenario import environment, given

STARTED = BatchProcessStarted("b", 1000)
HALFWAY = BatchProcessProgress("b", 500, 1000, 495, 5)
COMPLETED = BatchProcessCompleted("b", 990, 10)
CANCELLED = BatchProcessCancelled("b")
HALVES = Parallel(
    (
        Stream(ProcessItems("b", 0, 499), "batch/b"),
        Stream(ProcessItems("b", 500, 999), "batch/b"),
    )
)


def test_a_batch_is_worked_through_in_two_halves_side_by_side() -> None:
    given().when(StartBatch(1000, "b")).then(STARTED, asks=[HALVES])


def test_an_odd_number_of_items_is_divided_without_a_rest() -> None:
    halves = (
        Stream(ProcessItems("b", 0, 5), "batch/b"),
        Stream(ProcessItems("b", 6, 12), "batch/b"),
    )

    given().asks_for(BatchProcessStarted("b", 13), Parallel(halves))


@pytest.mark.parametrize("total", [1, 2, 3, 7, UNDIVIDED])
def test_a_few_items_are_not_divided(total: int) -> None:
    started = BatchProcessStarted("b", total)
    whole = Stream(ProcessItems("b", 0, total - 1), "batch/b")

    given().when(StartBatch(total, "b")).then(started, asks=[whole])


def test_a_batch_without_an_id_gets_one_of_its_own() -> None:
    first = f"batch-{environment().new_id()}"
    whole = Stream(ProcessItems(first, 0, 0), f"batch/{first}")

    given().when(StartBatch(1)).then(BatchProcessStarted(first, 1), asks=[whole])


@pytest.mark.parametrize("later", [(), (COMPLETED,), (CANCELLED,)])
def test_two_batches_cannot_have_one_id(later: tuple[Event, ...]) -> None:
    again = given(STARTED, *later).when(StartBatch(5, "b"))

    again.then_rejected(Code.CONFLICT, "batch b already exists")


def test_progress_adds_up() -> None:
    report = RecordProgress("b", 45, 5)

    given(STARTED).when(report).then(BatchProcessProgress("b", 50, 1000, 45, 5))
    given(STARTED, HALFWAY).when(report).then(BatchProcessProgress("b", 550, 1000, 540, 10))


def test_the_last_progress_completes_the_batch() -> None:
    report = RecordProgress("b", 495, 5)

    given(STARTED, HALFWAY).when(report).then(
        BatchProcessProgress("b", 1000, 1000, 990, 10), BatchProcessCompleted("b", 990, 10)
    )


def test_cancelling_a_batch_ends_its_work() -> None:
    given(STARTED, HALFWAY).when(CancelBatch("b")).then(CANCELLED, asks=[Cancel("batch/b")])


@pytest.mark.parametrize(("end", "status"), [(COMPLETED, "completed"), (CANCELLED, "cancelled")])
def test_a_batch_that_has_ended_takes_no_more(end: Event, status: str) -> None:
    for command in CancelBatch("b"), RecordProgress("b", 1, 0):
        given(STARTED, end).when(command).then_rejected(
            Code.CONFLICT, f"batch b is {status}, not running"
        )


def test_a_batch_that_nobody_started_does_not_exist() -> None:
    for command in CancelBatch("x"), RecordProgress("x", 1, 0):
        given().when(command).then_rejected(Code.NOT_FOUND, "batch x does not exist")


def test_there_is_an_end_to_the_batches_that_run_at_once() -> None:
    running = [BatchProcessStarted(f"b{number}", 5) for number in range(RUNNING)]
    whole = Stream(ProcessItems("one-more", 0, 0), "batch/one-more")
    one_more = StartBatch(1, "one-more")

    full = given(*running).when(one_more)
    eased = given(*running, BatchProcessCancelled("b0")).when(one_more)

    full.then_rejected(Code.CONFLICT, "1000 batches are running already")
    eased.then(BatchProcessStarted("one-more", 1), asks=[whole])


def test_events_leave_the_batch_as_they_say() -> None:
    halfway = given(STARTED, HALFWAY).state.jobs
    completed = given(STARTED, HALFWAY, COMPLETED).state.jobs
    cancelled = given(STARTED, HALFWAY, CANCELLED).state.jobs

    assert halfway.get("b") == Batch("b", Status.RUNNING, 1000, 500, 495, 5, number=1)
    assert cancelled.get("b") == Batch("b", Status.CANCELLED, 1000, 500, 495, 5, number=1)
    assert [each.status for each in completed.newest_first()] == [Status.COMPLETED]
    assert [halfway.running, completed.running, cancelled.running] == [1, 0, 0]


def test_of_the_batches_that_have_ended_the_last_are_kept() -> None:
    events: list[Event] = [BatchProcessStarted("still-running", 5)]
    for number in range(KEPT + 3):
        name = f"b{number}"
        events += [BatchProcessStarted(name, 5), BatchProcessCancelled(name)]

    jobs = given(*events).state.jobs

    assert len(jobs.by_id) == KEPT + 1
    assert jobs.get("still-running") is not None
    assert jobs.get("b2") is None
    assert jobs.get("b3") is not None
    assert next(iter(jobs.after(jobs.started - 1))).batch_id == f"b{KEPT + 2}"


def test_a_view_shows_the_newest_batches_first() -> None:
    started = [BatchProcessStarted(f"b{number}", 5) for number in range(SHOWN + 3)]

    shown = view(given(*started).state.jobs, Principal("o", Role.OPERATOR))

    assert [each.batch_id for each in shown] == [f"b{SHOWN + 2 - place}" for place in range(SHOWN)]


def test_all_that_happens_to_batches_is_heard_on_one_topic() -> None:
    assert {topic(event) for event in (STARTED, HALFWAY, COMPLETED, CANCELLED)} == {"jobs"}
