"""`restore` says what it stored and where, and stores nothing where it may do harm."""

import asyncio
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, suppress
from pathlib import Path

import pytest

from app.core.rejected import StartRefused
from app.runtime import restore
from app.runtime.event_log import read_event_log
from app.runtime.event_log.port import Entry, EventLog, LogUnavailable
from app.runtime.event_log.reader import Reader
from app.runtime.event_log.sqlite import SqliteLog
from app.runtime.lease import LEASE
from tests.cli.test_reading import Said, ask

SECONDS = 1.0  # of a lease
ENTRIES = [Entry(at, 0, f"k{at}", "ada", "operator", event='"Stopped"') for at in range(1, 16)]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the commands run, with a backup of 15 entries in it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("APP_EVENT_LOG", "sqlite:///new.db")
    asyncio.run(fill(SqliteLog(tmp_path / "copy.db")))
    return tmp_path


async def fill(event_log: EventLog) -> None:
    await event_log.connect()
    await event_log.append(0, ENTRIES)
    await event_log.close()


@pytest.fixture
def backup(folder: Path) -> Iterator[Reader]:
    with closing(read_event_log("sqlite:///copy.db")) as reader:
        yield reader


def test_it_is_told_what_was_stored_and_where(folder: Path, capsys: Said) -> None:
    first, again = ask(capsys, "restore", "copy.db"), ask(capsys, "restore", "copy.db")

    done = "stored 15 entries in sqlite:///new.db; now: python -m app check\n"
    nothing = "sqlite:///new.db has all of the backup (15 entries) already: nothing was stored\n"
    assert first == (0, done, "")
    assert again == (0, nothing, "")


def test_a_log_is_not_restored_into_itself(folder: Path, capsys: Said) -> None:
    (folder / "new.db").symlink_to("copy.db")

    status, _, words = ask(capsys, "restore", "copy.db")

    assert (status, words.split(":")[1]) == (1, " copy.db is the event log itself")


def test_a_misspelt_setting_is_told_and_fills_no_other_log(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: Said
) -> None:
    monkeypatch.setenv("APP_EVENTLOG", "postgresql://x")
    words = "there is no setting APP_EVENTLOG: is it misspelt?\n"

    assert ask(capsys, "restore", "copy.db") == (1, "", f"cannot restore: {words}")
    assert not (folder / "new.db").exists()
    monkeypatch.setenv("APP_EVENT_LOG", "sqlite:///copy.db")
    for arguments in (["log"], ["check"], ["backup", "another.db"], ["schema", "asyncapi"]):
        assert words in ask(capsys, *arguments)[2]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        (".", ". is a folder: name a file in it"),
        ("none.db", "there is no none.db"),
        ("empty.db", "empty.db is no event log"),
        ("other.db", "other.db is no event log"),
        ("later.db", "later.db is not an event log of format 2, but of 3"),
    ],
)
def test_what_is_no_backup_is_named(folder: Path, name: str, words: str, capsys: Said) -> None:
    (folder / "empty.db").touch()
    for file, version in (("other.db", 0), ("later.db", 3)):
        with closing(sqlite3.connect(file)) as other:
            other.execute("CREATE TABLE anything (x)")
            other.execute(f"PRAGMA user_version = {version}")

    status, _, told = ask(capsys, "restore", name)

    assert status == 1
    assert told.startswith(f"cannot restore: {words}")
    assert not (folder / "new.db").exists()


def test_an_empty_log_is_said_to_be_empty(folder: Path, capsys: Said) -> None:
    asyncio.run(SqliteLog(folder / "new.db").close())

    for arguments in (["log"], ["log", "--last", "1"]):
        assert ask(capsys, *arguments) == (0, "", "the log is empty\n")


def test_what_cannot_be_stored_goes_on_only_where_something_was(
    backup: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(restore, "ENTRIES_AN_APPEND", 5)
    for stored, goes_on in ((0, False), (5, True)):
        with pytest.raises(StartRefused) as refused:
            restore.restore(backup, Failing(Path(f"{stored}.db"), stored), lambda *_: None)
        assert ("it goes on from there" in str(refused.value)) is goes_on


class Failing(SqliteLog):
    """A log that cannot be reached any more once so much is stored."""

    def __init__(self, path: Path, most: int) -> None:
        super().__init__(path)
        self._most = most

    async def append(self, expected: int, entries: Sequence[Entry]) -> None:
        """Store them while it may."""
        if expected >= self._most:
            raise LogUnavailable("it is away")
        await super().append(expected, entries)


def test_nothing_more_is_stored_once_a_service_runs(
    backup: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(restore, "ENTRIES_AN_APPEND", 5)
    with pytest.raises(StartRefused, match="a service runs on the event log"):
        restore.restore(backup, Taken(Path("new.db"), shared=True), lambda *_: None)

    with closing(read_event_log("sqlite:///new.db")) as stored:
        assert stored.end == 5


class Taken(SqliteLog):
    """A log whose lease a service takes after the first entries."""

    def __init__(self, path: Path, *, shared: bool) -> None:
        super().__init__(path, shared=shared)
        self._terms = iter([1, 1])

    async def claim(self, name: str, seconds: float) -> int | None:
        """The lease, as long as it is there."""
        return next(self._terms, None)


async def renew(event_log: EventLog) -> None:
    """What a service does that runs on a log."""
    while True:
        await event_log.claim(LEASE, SECONDS)
        await asyncio.sleep(SECONDS / 3)


def restored_beside_others(path: Path) -> int:
    """As a command does it, in a log that services may share."""
    with closing(read_event_log("sqlite:///copy.db")) as reader:
        return restore.restore(reader, SqliteLog(path, shared=True), lambda *_: None)


@pytest.mark.anyio
@pytest.mark.parametrize("is_alive", [True, False])
async def test_nothing_is_stored_while_a_service_renews_its_lease(
    folder: Path, monkeypatch: pytest.MonkeyPatch, *, is_alive: bool
) -> None:
    monkeypatch.setattr(restore, "LEASE_SECONDS", SECONDS)
    monkeypatch.setattr(restore, "SECONDS_BETWEEN_CLAIMS", 0.2)
    service = SqliteLog(folder / "new.db", shared=True)
    assert await service.claim(LEASE, SECONDS) == 1
    serving = asyncio.create_task(renew(service) if is_alive else asyncio.sleep(0))

    words, stored = "", 0
    try:
        stored = await asyncio.to_thread(restored_beside_others, folder / "new.db")
    except StartRefused as refusal:
        words = str(refusal)
    serving.cancel()
    with suppress(asyncio.CancelledError):
        await serving

    assert (stored, await service.end()) == ((0, 0) if is_alive else (15, 15))
    assert words == ("a service runs on the event log: stop every one first" if is_alive else "")
    assert await service.claim(LEASE, SECONDS) is not None, "it is given back"
    await service.close()
