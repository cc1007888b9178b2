"""The commands that read the event log: of a service that runs, and of one that does not."""

import json
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from random import Random

import pytest
from httpx import Client

from app.access.store import AppStore
from app.bootstrap import create_app
from app.cli import main
from app.core.principal import Principal, Role
from app.core.rejected import Rejected
from app.domain import State
from app.runtime.event_log import open_event_log, read_event_log
from app.runtime.event_log.port import Entry
from app.runtime.event_log.sqlite_reader import SqliteReader
from app.settings import Settings
from app.wire import codec
from tests.service import Service
from tests.simulation.features import FEATURES

pytestmark = pytest.mark.anyio

COMMANDS = 60
Said = pytest.CaptureFixture[str]


@pytest.fixture
def url(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Where the log is that the commands read."""
    address = f"sqlite:///{tmp_path / 'events.db'}"
    monkeypatch.setenv("APP_EVENT_LOG", address)
    return address


async def fill(store: AppStore, seed: int = 1) -> None:
    """Have whatever commands this service has decided."""
    chance, by = Random(seed), Principal("ada", Role.OPERATOR)  # noqa: S311 - no secret
    for number in range(COMMANDS):
        command = chance.choice(FEATURES).command(chance, store.state, by)
        try:
            await store.dispatch(command, by=by, id=f"{seed}-{number}")
        except Rejected:
            continue


@pytest.fixture
async def epoch(url: str) -> str:
    """A log with something in it, of a service that has stopped; its epoch."""
    app = create_app(Settings(event_log=url, _env_file=None))  # type: ignore[call-arg]
    async with app.router.lifespan_context(app):
        store: AppStore = app.state.store
        await fill(store)
        return store.epoch


def change(url: str, *statements: str) -> None:
    """Change the log by hand, as nobody should."""
    with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as connection, connection:
        for statement in statements:
            connection.execute(statement)


def ended(url: str) -> int:
    """Where the log ends."""
    with closing(read_event_log(url)) as event_log:
        return event_log.end


def ask(said: Said, *arguments: str) -> tuple[int, str, str]:
    """What a command gives: its status, what it says, and what it complains of."""
    said.readouterr()
    status = main(arguments)
    words = said.readouterr()
    return status, words.out, words.err


def files(folder: Path, beginning: str) -> list[str]:
    """The names of the files that begin so."""
    return sorted(path.name for path in folder.iterdir() if path.name.startswith(beginning))


async def test_the_log_is_printed_an_entry_a_line(url: str, epoch: str, capsys: Said) -> None:
    status, out, _ = ask(capsys, "log")

    lines = out.splitlines()
    assert status == 0
    assert [int(line.split()[0]) for line in lines] == list(range(1, ended(url) + 1))
    assert "  ada (operator)  " in lines[0]
    assert "→" in lines[0]


async def test_a_part_of_the_log_is_printed_as_json(url: str, epoch: str, capsys: Said) -> None:
    _, out, _ = ask(capsys, "log", "--json", "--after", "3", "--limit", "5")

    with closing(read_event_log(url)) as event_log:
        entries = list(event_log.entries(3))[:5]
    printed = [json.loads(line) for line in out.splitlines()]
    assert [each["position"] for each in printed] == [4, 5, 6, 7, 8]
    for each, entry in zip(printed, entries, strict=True):
        assert each.get("event") == (entry.event and json.loads(entry.event))
        assert each.get("effects") == (entry.effects and json.loads(entry.effects))
        assert each.get("outcome") == entry.outcome
        assert each["command"] == entry.command


async def test_the_end_of_the_log_is_printed(url: str, epoch: str, capsys: Said) -> None:
    end = ended(url)

    _, two, _ = ask(capsys, "log", "--last", "2")
    _, everything, _ = ask(capsys, "log", "--last", str(end + 9))

    assert [int(line.split()[0]) for line in two.splitlines()] == [end - 1, end]
    assert len(everything.splitlines()) == end


async def test_the_log_says_where_it_ends_when_there_is_nothing_to_print(
    url: str, epoch: str, capsys: Said
) -> None:
    end = ended(url)

    at_the_end = ask(capsys, "log", "--after", str(end))
    beyond = ask(capsys, "log", "--after", str(end + 1))

    assert at_the_end == (0, "", f"nothing has happened after position {end}\n")
    assert beyond == (1, "", f"cannot print the log: it ends at position {end}\n")


def test_a_log_is_read_held_against_the_code_and_copied_while_a_service_writes_it(
    service: Service, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Said
) -> None:
    monkeypatch.setenv("APP_EVENT_LOG", service.event_log)
    send_some_commands(service)

    asked = [
        ask(capsys, "log"),
        ask(capsys, "replay"),
        ask(capsys, "check"),
        ask(capsys, "backup", str(tmp_path / "copy.db")),
    ]
    sent = send_some_commands(service)

    assert [status for status, _, _ in asked] == [0, 0, 0, 0]
    assert "→" in asked[0][1]
    assert sent > 0


def send_some_commands(service: Service) -> int:
    """How many of them were accepted."""
    chance, by = Random(1), Principal("anonymous", Role.OPERATOR)  # noqa: S311 - no secret
    texts = [
        codec.encode_command(chance.choice(FEATURES).command(chance, State(), by))
        for _ in range(30)
    ]
    with Client(base_url=service.url, headers={"Content-Type": "application/json"}) as client:
        return sum(
            client.post("/api/v1/commands", content=text).status_code == 200 for text in texts
        )


async def test_the_state_at_any_position_is_what_the_store_said_then(
    url: str, capsys: Said
) -> None:
    app = create_app(Settings(event_log=url, _env_file=None))  # type: ignore[call-arg]
    async with app.router.lifespan_context(app):
        store: AppStore = app.state.store
        before = ask(capsys, "replay", "--at", "0")[1]
        await fill(store)
        then = ask(capsys, "replay")[1]
        await fill(store, seed=2)
        epoch = store.epoch

    middle = json.loads(then)["position"]
    assert ask(capsys, "replay", "--at", "0")[1] == before
    assert ask(capsys, "replay", "--at", str(middle))[1] == then
    assert 0 < middle < ended(url)
    assert json.loads(then)["epoch"] == epoch
    assert len({json.dumps(json.loads(each)["state"]) for each in (before, then)}) == 2


async def test_there_is_no_state_beyond_the_end(url: str, epoch: str, capsys: Said) -> None:
    end = ended(url)

    status, out, err = ask(capsys, "replay", "--at", str(end + 1))

    assert (status, out) == (1, "")
    assert err == f"cannot replay: the log ends at position {end}\n"


async def test_nothing_differs_from_what_the_same_code_has_written(
    url: str, epoch: str, capsys: Said
) -> None:
    status, out, _ = ask(capsys, "check")

    assert status == 0
    assert f"{ended(url):,} entries read: 0 cannot be read" in out
    assert "0 commands decided differently" in out


async def test_all_that_cannot_be_read_is_told_but_only_the_first_of_it_is_shown(
    url: str, epoch: str, capsys: Said
) -> None:
    change(url, "UPDATE log SET event = '{\"Gone\":{}}' WHERE event IS NOT NULL")
    with closing(read_event_log(url)) as event_log:
        spoilt = [entry.position for entry in event_log.entries() if entry.event is not None]

    status, out, _ = ask(capsys, "check")
    _, told, _ = ask(capsys, "check", "--json")

    assert status == 1
    assert f"position {spoilt[0]}, event: Invalid action format: unknown action 'Gone'" in out
    assert (f"… and {len(spoilt) - 50} more" in out) is (len(spoilt) > 50)
    report = json.loads(told)
    assert report["epoch"] == epoch
    assert report["counts"]["unreadable"] == len(spoilt)
    assert len(report["unreadable"]) == min(50, len(spoilt))
    assert report["unsure_after"] == spoilt[0]


async def test_a_log_that_cannot_be_read_has_no_state(url: str, epoch: str, capsys: Said) -> None:
    change(url, "UPDATE log SET event = '{\"Gone\":{}}' WHERE position = 1")

    status, _, err = ask(capsys, "replay")

    assert status == 1
    assert err.startswith("cannot replay: the event log cannot be read at position 1: ")


async def test_a_copy_is_the_same_log_under_another_epoch(
    url: str, epoch: str, tmp_path: Path, capsys: Said
) -> None:
    change(url, "INSERT INTO snapshot VALUES (1, 'x')")
    change(url, "INSERT INTO snapshot_row VALUES (1, 'state.x', '1')")
    file = tmp_path / "copy.db"

    status, out, _ = ask(capsys, "backup", str(file))

    assert status == 0
    assert out.startswith(f"{file}: {ended(url)} entries")
    assert files(tmp_path, "copy") == ["copy.db"]
    with closing(sqlite3.connect(file)) as connection:
        (mode,) = connection.execute("PRAGMA journal_mode").fetchone()
    assert mode == "delete"  # it can be read where nothing can be written
    with (
        closing(read_event_log(url)) as event_log,
        closing(read_event_log(f"sqlite:///{file}")) as copy,
    ):
        assert list(copy.entries()) == list(event_log.entries())
        assert copy.snapshot() is None
        assert event_log.snapshot() is not None
        assert copy.epoch not in ("", epoch)


async def test_a_service_starts_on_a_copy(url: str, epoch: str, tmp_path: Path) -> None:
    main(["backup", str(tmp_path / "copy.db")])

    address = f"sqlite:///{tmp_path / 'copy.db'}"
    app = create_app(Settings(event_log=address, _env_file=None))  # type: ignore[call-arg]
    async with app.router.lifespan_context(app):
        assert app.state.store.seq >= ended(url)


async def test_a_copy_is_of_one_moment_however_much_is_written_meanwhile(
    url: str, tmp_path: Path
) -> None:
    event_log = open_event_log(url)
    words = "x" * 2_000
    entries = [Entry(at, 0, "k", "ada", "operator", event=words) for at in range(1, 5_001)]
    await event_log.append(0, entries)
    steps: list[int] = []

    def write_more(pages: int, copied: int) -> None:
        steps.append(copied)
        assert len(steps) < 100, "it begins again and again"
        insert = "INSERT INTO log SELECT max(position) + 1, 0, 'k', 'ada', 'operator', "
        change(url, insert + "NULL, NULL, NULL, NULL, NULL, NULL, NULL FROM log")

    with closing(read_event_log(url)) as reader:
        end = reader.copy_to(tmp_path / "copy.db", write_more)
    await event_log.close()

    assert len(steps) > 1
    assert steps == sorted(set(steps))
    assert (end, ended(url)) == (5_000, 5_000 + len(steps))
    assert ended(f"sqlite:///{tmp_path / 'copy.db'}") == 5_000


async def test_a_copy_overwrites_nothing(
    url: str, epoch: str, tmp_path: Path, capsys: Said
) -> None:
    (tmp_path / "copy.db").write_text("precious")

    status, _, err = ask(capsys, "backup", str(tmp_path / "copy.db"))

    assert status == 1
    assert "copy.db is there already: name another file" in err
    assert (tmp_path / "copy.db").read_text() == "precious"


async def test_a_copy_needs_its_folder(url: str, epoch: str, tmp_path: Path, capsys: Said) -> None:
    status, _, err = ask(capsys, "backup", str(tmp_path / "none" / "copy.db"))

    assert status == 1
    assert err.startswith(f"cannot back up the log: there is no folder {tmp_path / 'none'}: make")


async def test_a_copy_that_fails_leaves_nothing(
    url: str, epoch: str, tmp_path: Path, capsys: Said
) -> None:
    change(url, "DROP TABLE snapshot")

    status, _, err = ask(capsys, "backup", str(tmp_path / "copy.db"))

    assert (status, err) == (1, "cannot back up the log: no such table: snapshot\n")
    assert files(tmp_path, "copy") == []


@pytest.mark.parametrize(
    ("arguments", "status"), [(["log"], 1), (["replay"], 1), (["check"], 2), (["backup", "x"], 1)]
)
@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("memory://", "there is no log to read"),
        ("sqlite:///none.db", "there is no event log at none.db"),
        ("sqlite:///text.db", "cannot read the event log text.db"),
        ("sqlite:///other.db", "other.db is no event log"),
        ("ftp://x", "names no event log"),
    ],
)
def test_a_log_that_is_none_is_refused_in_words(
    arguments: Sequence[str],
    status: int,
    address: str,
    words: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: Said,
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("APP_EVENT_LOG", address)
    (tmp_path / "text.db").write_text("not a database, " * 100)
    with closing(sqlite3.connect("other.db")) as other:
        other.execute("CREATE TABLE anything (x)")

    assert main(arguments) == status
    assert words in capsys.readouterr().err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["other.db", "text.db"]


@pytest.mark.parametrize(
    ("command", "status", "table"),
    [("log", 1, "log"), ("replay", 1, "log"), ("check", 2, "log"), ("check", 2, "snapshot_row")],
)
async def test_a_damaged_log_is_refused_in_words(
    url: str, epoch: str, command: str, status: int, table: str, capsys: Said
) -> None:
    change(
        url,
        "INSERT INTO snapshot VALUES (1, 'x')",
        "INSERT INTO snapshot_row VALUES (1, 'state.x', '1')",
    )
    damage(url, table)

    found, _, err = ask(capsys, command)

    assert found == status
    assert "cannot read the event log" in err
    assert "malformed" in err
    assert "Traceback" not in err


def damage(url: str, table: str) -> None:
    """Overwrite the page that a table begins at."""
    path = Path(url.removeprefix("sqlite:///"))
    with closing(sqlite3.connect(path)) as connection:
        (size,) = connection.execute("PRAGMA page_size").fetchone()
        root = "SELECT rootpage FROM sqlite_schema WHERE name = ?"
        (page,) = connection.execute(root, (table,)).fetchone()
    with path.open("r+b") as file:
        file.seek((page - 1) * size)
        file.write(b"\xff" * size)


@pytest.mark.parametrize(("command", "status"), [("log", 1), ("replay", 1), ("check", 2)])
async def test_a_command_that_fails_unforeseen_says_where_and_not_that_something_differs(
    url: str,
    epoch: str,
    command: str,
    status: int,
    monkeypatch: pytest.MonkeyPatch,
    capsys: Said,
) -> None:
    def broken(reader: SqliteReader, after: int = 0) -> None:
        raise ZeroDivisionError("a mistake of ours")

    monkeypatch.setattr(SqliteReader, "entries", broken)

    found, _, err = ask(capsys, command)

    assert found == status
    assert "Traceback" in err
    assert err.endswith("ZeroDivisionError: a mistake of ours\n")


async def test_a_rule_that_stumbles_over_an_event_is_told_with_its_position(
    url: str, epoch: str, monkeypatch: pytest.MonkeyPatch, capsys: Said
) -> None:
    def reduce(*_: object) -> None:
        raise KeyError("prod-1")

    monkeypatch.setattr("app.domain.reduce", reduce)
    with closing(read_event_log(url)) as event_log:
        first = next(entry.position for entry in event_log.entries() if entry.event is not None)

    status, _, err = ask(capsys, "replay")

    assert status == 1
    assert err.startswith(
        f"cannot replay: the event log cannot be read at position {first}: KeyError: 'prod-1'; "
    )


@pytest.mark.parametrize("arguments", [["log"], ["log", "--json"], ["replay"], ["check"]])
async def test_a_terminal_obeys_nothing_that_a_client_has_said(
    url: str, arguments: Sequence[str], capsys: Said
) -> None:
    obeyed = "\x9b2J\x7f\x1b]0;\u202e\n\u2028 1  all is well"
    event_log = open_event_log(url)
    action, event = json.dumps({"No": {"x": obeyed}}, ensure_ascii=False), json.dumps(obeyed)
    by = Entry(1, 0, "k", f"ada{obeyed}", "operator", action=action, event=event)
    ended = Entry(2, 0, "j", "system", "system", settles="1.0", outcome=f"refused: {obeyed}")
    await event_log.append(0, [by, ended])
    await event_log.close()

    _, out, err = ask(capsys, *arguments)

    assert [text for text in (out + err).split("\n") if not text.isprintable()] == []
    assert "\n 1  all is well" not in out + err
    assert "\\u009b2J\\u007f\\u001b" in out + err
    if "--json" in arguments:
        assert json.loads(out.split("\n")[0])["principal"] == f"ada{obeyed}"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["lgo"], "invalid choice: 'lgo'"),
        (["log", "--after", "x"], "a position is a whole number"),
        (["log", "--after=-1"], "a position is a whole number"),
        (["log", "--limit", "1.5"], "a number of entries is a whole number"),
        (["log", "--last", "9" * 30], "a number of entries is a whole number"),
        (["log", "--last", "1", "--after", "1"], "not allowed with"),
        (["backup"], "required: FILE"),
        (["token", "ada", "--role", "king"], "invalid choice: 'king'"),
        (["token", "ada", "--hours", "soon"], "more than 0 hours"),
    ],
)
def test_what_cannot_be_meant_is_refused_in_words(
    arguments: Sequence[str], words: str, capsys: Said
) -> None:
    with pytest.raises(SystemExit) as leaving:
        main(arguments)

    said = capsys.readouterr().err
    assert leaving.value.code == 2
    assert "usage: python -m app" in said
    assert words in said
    assert "value:" not in said, "the name of a type is no word of the user's"


def test_a_wrong_setting_is_refused_in_words(monkeypatch: pytest.MonkeyPatch, capsys: Said) -> None:
    monkeypatch.setenv("APP_PORT", "many")

    status, _, err = ask(capsys, "log")

    assert status == 1
    assert err.startswith("cannot print the log: APP_PORT is 'many'")


async def test_a_reader_does_not_keep_a_service_from_starting(url: str, epoch: str) -> None:
    with closing(read_event_log(url)) as event_log:
        entries = event_log.entries()
        first = next(entries)
        await open_event_log(url).close()
        rest = list(entries)

    assert [first.position, *(entry.position for entry in rest)] == list(range(1, ended(url) + 1))
