"""Every engine of the event log keeps the same promises."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.core.rejected import StartRefused
from app.runtime.event_log import open_event_log
from app.runtime.event_log.port import Conflict, Entry, EventLog

pytestmark = pytest.mark.anyio


def entry(position: int, settles: str | None = None) -> Entry:
    return Entry(position, 5, "k", "me", "operator", event='{"A":{"é":1}}', settles=settles)


@pytest.fixture(params=["memory", "sqlite"])
def event_log(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[EventLog]:
    url = "memory://" if request.param == "memory" else f"sqlite:///{tmp_path}/new/e.db"
    opened = open_event_log(url)
    yield opened
    opened.close()


async def test_what_is_appended_is_read_in_order(event_log: EventLog) -> None:
    await event_log.append(0, [entry(1), entry(2, settles="1/0")])
    await event_log.append(2, [entry(3)])

    assert await event_log.read(0, 10) == [entry(1), entry(2, settles="1/0"), entry(3)]
    assert await event_log.read(1, 1) == [entry(2, settles="1/0")]
    assert list(await event_log.read(3, 10)) == []


async def test_an_append_that_expects_another_end_stores_nothing(event_log: EventLog) -> None:
    await event_log.append(0, [entry(1)])

    with pytest.raises(Conflict):
        await event_log.append(0, [entry(1), entry(2)])

    assert await event_log.read(0, 10) == [entry(1)]


async def test_an_append_is_stored_whole_or_not_at_all(tmp_path: Path) -> None:
    event_log = open_event_log(f"sqlite:///{tmp_path}/e.db")
    await event_log.append(0, [entry(1, settles="0/0")])

    with pytest.raises(Exception, match="settles"):
        await event_log.append(1, [entry(2), entry(3, settles="0/0")])

    assert await event_log.read(0, 10) == [entry(1, settles="0/0")]
    event_log.close()


async def test_a_file_keeps_its_entries_and_its_epoch(tmp_path: Path) -> None:
    first = open_event_log(f"sqlite:///{tmp_path}/e.db")
    await first.append(0, [entry(1)])
    first.close()

    second = open_event_log(f"sqlite:///{tmp_path}/e.db")

    assert second.epoch == first.epoch
    assert await second.read(0, 10) == [entry(1)]
    second.close()


def test_two_logs_have_two_epochs(tmp_path: Path) -> None:
    logs = [open_event_log(f"sqlite:///{tmp_path}/{name}.db") for name in "ab"]

    assert logs[0].epoch != logs[1].epoch
    for event_log in logs:
        event_log.close()


def test_a_second_process_is_refused_in_words(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/e.db"
    event_log = open_event_log(url)
    code = f"from app.runtime.event_log import open_event_log; open_event_log({url!r})"

    second = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)  # noqa: S603

    assert "is in use by another process" in second.stderr
    event_log.close()
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0  # noqa: S603


def test_a_file_that_is_no_event_log_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "e.db").write_text("this is a letter, not a database" * 100)

    with pytest.raises(StartRefused, match=r"e\.db"):
        open_event_log(f"sqlite:///{tmp_path}/e.db")


@pytest.mark.parametrize("url", ["", "sqlite://", "sqlite:///", "memory://x", "oracle://db"])
def test_an_address_without_an_engine_is_refused_with_examples(url: str) -> None:
    with pytest.raises(StartRefused, match="sqlite:///data"):
        open_event_log(url)
