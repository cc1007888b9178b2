"""The work of a batch, with a port that does nothing but remember."""

from dataclasses import replace

import pytest

from app.core.effects import Parallel, Stream
from app.core.ports import Attempt, Ports
from app.domain.jobs.actions import BatchProcessStarted, RecordProgress
from app.domain.jobs.reducer import work
from app.domain.jobs.tasks import CHUNKS, ProcessItems

pytestmark = pytest.mark.anyio

SIZES = [1, 2, 3, 7, 10, 11, 13, 1000]


class Remembering:
    """Does items by remembering them; every tenth, from item 9 on, fails."""

    def __init__(self) -> None:
        self.items: list[int] = []

    async def do(self, batch_id: str, item: int) -> bool:
        """Remember the item."""
        assert batch_id == "b"
        self.items.append(item)
        return item % 10 != 9


class NoMail:
    """Work on a batch sends no mail."""

    async def send(self, to: str, subject: str, text: str, *, key: str) -> None:
        """Nobody asks for it."""
        raise AssertionError


async def performed(task: ProcessItems, given: int = 0) -> tuple[list[RecordProgress], list[int]]:
    """What the task reports, after so many reports that are stored already, and what it does."""
    port = Remembering()
    ports, attempt = Ports(mail=NoMail(), work=port), Attempt("1/0", given)
    return [report async for report in task(ports, attempt)], port.items


def tasks(total: int) -> list[ProcessItems]:
    """The tasks of a batch of so many items."""
    asked = work(BatchProcessStarted("b", total))
    streams = asked.effects if isinstance(asked, Parallel) else (asked,)
    found = [effect.task for effect in streams if isinstance(effect, Stream)]
    return [task for task in found if isinstance(task, ProcessItems)]


@pytest.mark.parametrize("total", SIZES)
async def test_every_item_is_done_once_and_reported(total: int) -> None:
    results = [await performed(task) for task in tasks(total)]
    reports = [report for reported, _ in results for report in reported]

    assert [item for _, items in results for item in items] == list(range(total))
    assert sum(report.succeeded + report.failed for report in reports) == total
    assert sum(report.failed for report in reports) == total // 10


@pytest.mark.parametrize("total", SIZES)
def test_no_part_is_empty_and_none_is_all(total: int) -> None:
    for task in tasks(total):
        chunks = task.chunks()

        assert all(chunks)
        assert min(2, total) <= len(chunks) <= CHUNKS


@pytest.mark.parametrize("total", [7, 1000])
async def test_it_goes_on_after_what_was_reported_before(total: int) -> None:
    for task in tasks(total):
        reports, items = await performed(task)

        for given in range(len(reports) + 1):
            later, again = await performed(task, given)

            assert later == reports[given:]
            assert again == items[len(items) - len(again) :]
            assert len(again) == sum(report.succeeded + report.failed for report in later)


async def test_what_is_not_asked_for_is_not_done() -> None:
    port = Remembering()
    reports = ProcessItems("b", 0, 999)(Ports(mail=NoMail(), work=port), Attempt("1/0"))

    first = await anext(reports)

    assert first == RecordProgress("b", 90, 10)
    assert port.items == list(range(100))


def test_two_tasks_of_the_same_items_are_equal() -> None:
    assert ProcessItems("b", 0, 9) == replace(ProcessItems("b", 0, 5), last=9)
