"""A copy of a log is whole, and written over nothing."""

import os
from pathlib import Path

import pytest

from app.runtime.event_log.new_file import new_file
from app.runtime.event_log.sqlite_file import make_tables
from app.runtime.event_log.sqlite_reader import SqliteReader


@pytest.fixture(params=[True, False], ids=["links", "no links"])
def file(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A name for a copy, on a file system that has links, or has none."""

    def refused(*_: object) -> None:
        raise PermissionError("operation not permitted")  # as Linux says of FAT

    if not request.param:
        monkeypatch.setattr(os, "link", refused)
    return tmp_path / "copy.db"


def names(file: Path) -> list[str]:
    return sorted(path.name for path in file.parent.iterdir())


def test_a_copy_is_there_when_it_is_whole(file: Path) -> None:
    with new_file(file) as copy:
        make_tables(copy)
        assert not file.exists()

    SqliteReader(file).close()
    assert names(file) == ["copy.db"]
    assert file.stat().st_mode & 0o777 == 0o600


def test_what_has_come_meanwhile_is_not_written_over(file: Path) -> None:
    def copied_while_another_writes() -> None:
        with new_file(file) as copy:
            make_tables(copy)
            file.write_text("precious")

    with pytest.raises(FileExistsError, match=r"copy\.db is there already$"):
        copied_while_another_writes()

    assert file.read_text() == "precious"
    assert names(file) == ["copy.db"]


def test_a_copy_that_is_under_way_is_let_alone(file: Path) -> None:
    with new_file(file) as copy:
        make_tables(copy)
        with pytest.raises(FileExistsError, match="unfinished is there already"), new_file(file):
            pass

    SqliteReader(file).close()
    assert names(file) == ["copy.db"]
