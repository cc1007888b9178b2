"""What is true of the embedded engine alone, and of addresses."""

import asyncio
import errno
import os
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from app.core.rejected import StartRefused
from app.runtime.event_log import open_event_log
from app.runtime.event_log.neighbours import Neighbours
from app.runtime.event_log.sqlite import SqliteLog
from app.runtime.event_log.sqlite_file import FORMAT, make_tables
from app.runtime.event_log.sqlite_reader import SqliteReader
from tests.runtime.event_log.entries import entry

pytestmark = pytest.mark.anyio


async def test_an_append_is_stored_whole_or_not_at_all(tmp_path: Path) -> None:
    event_log = open_event_log(f"sqlite:///{tmp_path}/e.db")
    await event_log.append(0, [entry(1, settles="0/0")])

    with pytest.raises(Exception, match="settles"):
        await event_log.append(1, [entry(2), entry(3, settles="0/0")])

    assert await event_log.read(0, 10) == [entry(1, settles="0/0")]
    await event_log.close()


async def test_a_log_of_one_process_needs_no_folder_for_temporary_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a container whose root is read-only there may be none."""

    def refused() -> str:
        raise FileNotFoundError("no usable temporary directory found")

    monkeypatch.setattr(tempfile, "gettempdir", refused)
    event_log = SqliteLog(tmp_path / "e.db")
    await event_log.append(0, [entry(1)])
    await event_log.close()


async def test_what_a_killed_process_has_left_is_taken_away(tmp_path: Path) -> None:
    loop, heard = asyncio.get_running_loop(), list[bytes]()
    killed, alive, other = (Neighbours(tmp_path / "e.db", heard.append) for _ in range(3))
    loop.remove_reader(killed._socket)
    killed._socket.close()
    other.notify(b"g1")
    assert not killed._own.exists()
    assert alive._own.exists()

    for neighbour in alive, other:
        neighbour.close()


async def test_whoever_is_alone_with_a_file_waits_for_nobodys_lease(tmp_path: Path) -> None:
    killed = SqliteLog(tmp_path / "e.db", shared=True)
    assert await killed.claim("effects", 60) is not None
    await killed.close()

    alone = SqliteLog(tmp_path / "e.db", shared=True)

    assert await alone.claim("effects", 60) is not None
    await alone.close()


async def test_a_copy_may_be_read_by_whoever_may_read_the_log(tmp_path: Path) -> None:
    await SqliteLog(tmp_path / "e.db").close()
    (tmp_path / "e.db").chmod(0o640)

    with closing(SqliteReader(tmp_path / "e.db")) as reader:
        reader.copy_to(tmp_path / "copy.db", lambda whole, copied: None)

    assert (tmp_path / "copy.db").stat().st_mode & 0o777 == 0o640


async def test_a_file_keeps_its_entries_and_its_epoch(tmp_path: Path) -> None:
    first = open_event_log(f"sqlite:///{tmp_path}/e.db")
    await first.append(0, [entry(1)])
    await first.close()

    second = open_event_log(f"sqlite:///{tmp_path}/e.db")

    assert second.epoch == first.epoch
    assert await second.read(0, 10) == [entry(1)]
    await second.close()


async def test_two_logs_have_two_epochs(tmp_path: Path) -> None:
    logs = [open_event_log(f"sqlite:///{tmp_path}/{name}.db") for name in "ab"]

    assert logs[0].epoch != logs[1].epoch
    for event_log in logs:
        await event_log.close()


async def test_a_second_process_is_refused_in_words(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/e.db"
    event_log = open_event_log(url)
    code = f"from app.runtime.event_log import open_event_log; open_event_log({url!r})"

    command = [sys.executable, "-c", code]
    second = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True)

    assert "is in use by another process" in second.stderr
    await event_log.close()
    assert (await asyncio.to_thread(subprocess.run, command)).returncode == 0


async def test_a_file_has_one_writer_by_whatever_name_it_is_opened(tmp_path: Path) -> None:
    (tmp_path / "link.db").symlink_to("e.db")
    event_log = open_event_log(f"sqlite:///{tmp_path}/e.db")

    with pytest.raises(StartRefused, match=r"link\.db is in use by another process"):
        open_event_log(f"sqlite:///{tmp_path}/link.db")

    await event_log.close()
    await open_event_log(f"sqlite:///{tmp_path}/link.db").close()


def test_a_link_that_leads_nowhere_is_refused_in_words(tmp_path: Path) -> None:
    (tmp_path / "loop.db").symlink_to("loop.db")

    with pytest.raises(StartRefused, match=r"cannot open the event log .*loop\.db"):
        open_event_log(f"sqlite:///{tmp_path}/loop.db")


async def test_a_file_whose_name_means_memory_to_sqlite_is_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    first = open_event_log("sqlite:///:memory:")
    await first.append(0, [entry(1)])
    await first.close()

    second = open_event_log("sqlite:///:memory:")

    assert await second.read(0, 10) == [entry(1)]
    await second.close()


@pytest.mark.parametrize("version", [0, FORMAT])
@pytest.mark.parametrize("opened", [SqliteLog, SqliteReader])
def test_a_database_of_others_is_refused_and_left_as_it_is(
    opened: Callable[[Path], object], version: int, tmp_path: Path
) -> None:
    with closing(sqlite3.connect(tmp_path / "theirs.db")) as other:
        other.execute("CREATE TABLE meta (key, value)")
        other.execute(f"PRAGMA user_version = {version}")
    before = (tmp_path / "theirs.db").read_bytes()

    with pytest.raises(StartRefused, match=r"theirs\.db is no event log"):
        opened(tmp_path / "theirs.db")

    assert (tmp_path / "theirs.db").read_bytes() == before


async def test_a_file_is_made_whole_or_not_at_all(tmp_path: Path) -> None:
    """Whoever is killed before the epoch is there has not made the tables either."""

    def ended(action: int, table: str | None, *_: object) -> int:
        is_last = (action, table) == (sqlite3.SQLITE_INSERT, "meta")
        return sqlite3.SQLITE_DENY if is_last else sqlite3.SQLITE_OK

    with closing(sqlite3.connect(tmp_path / "e.db", isolation_level=None)) as killed:
        killed.set_authorizer(ended)
        with pytest.raises(sqlite3.DatabaseError, match="not authorized"):
            make_tables(killed)

    await open_event_log(f"sqlite:///{tmp_path}/e.db").close()


def test_a_file_that_is_no_event_log_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "e.db").write_text("this is a letter, not a database" * 100)

    with pytest.raises(StartRefused, match=r"e\.db"):
        open_event_log(f"sqlite:///{tmp_path}/e.db")


@pytest.mark.skipif(sys.platform != "linux", reason="/proc says what is open")
@pytest.mark.parametrize("tables", [None, "CREATE TABLE anything (x)"])
@pytest.mark.parametrize("opened", [SqliteLog, SqliteReader])
def test_a_file_that_is_refused_is_closed(
    opened: Callable[[Path], object], tables: str | None, tmp_path: Path
) -> None:
    if tables is None:
        (tmp_path / "e.db").write_text("this is a letter, not a database" * 100)
    else:
        with closing(sqlite3.connect(tmp_path / "e.db")) as other:
            other.execute(tables)

    with pytest.raises(StartRefused) as refusal:  # it keeps alive whatever was not closed
        opened(tmp_path / "e.db")

    names = [os.path.realpath(each) for each in Path("/proc/self/fd").iterdir()]
    assert not [name for name in names if name.startswith(str(tmp_path))], refusal


@pytest.mark.parametrize("url", ["", "sqlite://", "sqlite:///", "memory://x", "oracle://db"])
def test_an_address_without_an_engine_is_refused_with_examples(url: str) -> None:
    with pytest.raises(StartRefused, match="sqlite:///data"):
        open_event_log(url)


async def test_a_second_container_is_refused_though_both_would_share_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each has its own folder for temporary files, and so neither would hear of the other."""
    first = SqliteLog(tmp_path / "e.db", shared=True)
    with monkeypatch.context() as elsewhere:
        elsewhere.setattr(tempfile, "tempdir", str(tmp_path))
        with pytest.raises(StartRefused, match="in another container perhaps"):
            SqliteLog(tmp_path / "e.db", shared=True)
    await SqliteLog(tmp_path / "e.db", shared=True).close()
    await first.close()

    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    await SqliteLog(tmp_path / "e.db", shared=True).close()


@pytest.mark.parametrize(
    ("what", "number"),
    [
        ("socket.socket.sendto", errno.ENOBUFS),
        ("socket.socket.sendto", errno.ENOMEM),
        ("pathlib.Path.iterdir", errno.EMFILE),
    ],
)
async def test_a_notification_that_cannot_be_sent_is_lost_and_the_append_is_not(
    tmp_path: Path, what: str, number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    logs = [open_event_log(f"sqlite:///{tmp_path}/e.db", shared=True) for _ in range(2)]
    for event_log in logs:
        await event_log.connect()

    def failing(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    with monkeypatch.context() as patched:
        patched.setattr(what, failing)
        await logs[0].append(0, [entry(1)])
        await logs[0].announce("nobody hears it")

    assert await logs[1].read(0, 10) == [entry(1)]
    for event_log in logs:
        await event_log.close()
