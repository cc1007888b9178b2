"""A new feature is written, its printed lines are added, and everything holds it to be right."""

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

import pytest

from app import domain
from app.cli.additions import ADDITIONS
from app.cli.feature import (
    FILES,
    TABLES,
    Names,
    require_names,
    require_room,
    singular,
    written,
)
from app.cli.reading import Refused

ROOT = Path(__file__).parent.parent.parent
KEPT = ("app", "tests", "pyproject.toml")


@dataclass(frozen=True, slots=True)
class Printed:
    """Lines that are to be added to a file, and what they go below."""

    file: str
    below: str
    lines: list[str]


def printed(words: str) -> Iterator[Printed]:
    """The lines to add, as somebody reads them who knows nothing else."""
    file, below = "", list[str]()
    lines: list[str] = []
    for line in words.split("\nAdd the lines", 1)[1].splitlines():
        if re.match("  [+]", line):
            lines.append(line[4:])
        elif lines:
            yield Printed(file, "\n".join(below), lines)
            below, lines = [], []
        elif line.startswith("    "):
            below.append(line[4:])
        elif line.endswith(".py"):
            file = line


def add(project: Path, additions: Sequence[Printed]) -> None:
    for each in additions:
        path = project / each.file
        before, *after = f"\n{path.read_text()}".split(f"\n{each.below}\n")
        assert len(after) == 1, each
        path.write_text("\n".join([before, each.below, *each.lines, *after])[1:])


def run(project: Path, *command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603 - this very Python
        [sys.executable, "-m", *command], cwd=project, capture_output=True, text=True
    )


def must(project: Path, *command: str) -> str:
    done = run(project, *command)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of this project, to be changed."""
    no_caches = shutil.ignore_patterns("__pycache__", ".*_cache")
    for name in KEPT:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, tmp_path / name, ignore=no_caches)
        else:
            shutil.copy(source, tmp_path / name)
    return tmp_path


def contents(folder: Path) -> dict[Path, str]:
    return {path: path.read_text() for path in folder.rglob("*.py")}


@pytest.mark.slow
def test_a_feature_is_written_and_works_with_the_lines_that_are_printed(project: Path) -> None:
    before = contents(project)

    words = must(project, "app", "feature", "zebras")

    written = {path: text for path, text in contents(project).items() if path not in before}
    assert all(path.read_text() == text for path, text in before.items())
    assert len(written) == 9
    assert not [path for path, text in written.items() if "thing" in text.lower()]
    assert "app/dashboard/panels/generic.js to app/dashboard/panels/zebras.js" in words
    assert (project / "app" / "dashboard" / "panels" / "generic.js").exists()
    add(project, list(printed(words)))
    must(project, "ruff", "format", "app", "tests/zebras")
    must(project, "ruff", "check", "--fix", "app", "tests/zebras")
    must(project, "ruff", "format", "--check", "app", "tests/zebras")
    assert {path: path.read_text() for path in written} == written
    must(project, "mypy", "-p", "app", "-p", "tests.zebras")
    assert "9 passed" in must(project, "pytest", "-q", "tests/zebras")
    of_all = ("tests/test_domain.py", "tests/policy", "tests/api/test_openapi.py")
    must(project, "pytest", "-q", *of_all)


@pytest.mark.slow
def test_the_declarations_for_typescript_are_thought_of_where_there_are_any(project: Path) -> None:
    renew = "    python -m app schema typescript --output client/protocol.d.ts\n"

    without = must(project, "app", "feature", "zebras")
    (project / "client").mkdir()
    (project / "client" / "protocol.d.ts").touch()
    words = must(project, "app", "feature", "yaks")

    assert renew not in without
    assert renew in words


@pytest.mark.parametrize("many", ["ants", "things", "line_items"])
def test_the_tables_of_a_feature_are_aligned_whatever_its_name(many: str) -> None:
    text = written(TABLES, Names(many, singular(many)))
    tables = re.findall(' = """\n([^"]*)', text)

    assert len(tables) == 4
    for table in tables:
        heads, *rows = [
            [cell.start() for cell in re.finditer(r"\S+", line)] for line in table.splitlines()
        ]
        assert all(row[1:] == heads for row in rows)


def test_a_line_goes_below_the_words_that_say_what_belongs_there() -> None:
    for each in ADDITIONS:
        text = f"\n{(ROOT / each.file).read_text()}"
        _, after = text.split(f"\n{each.below}\n")
        assert "# one feature a line" not in after.splitlines()[0], each


@pytest.mark.parametrize(
    ("many", "one"),
    [
        ("invoices", "invoice"),
        ("categories", "category"),
        ("surveys", "survey"),
        ("addresses", "address"),
        ("boxes", "box"),
        ("prices", "price"),
        ("line_items", "line_item"),
        ("stock", "stock_item"),
        ("news", "new"),
    ],
)
def test_a_singular_is_the_obvious_one(many: str, one: str) -> None:
    assert singular(many) == one


@pytest.mark.parametrize(
    ("many", "one", "words"),
    [
        ("Invoices", "invoice", "'Invoices' is no name"),
        ("in-voices", "invoice", "'in-voices' is no name"),
        ("a" * 21, "a", "20 at most"),
        ("classes", "class", "class means"),
        ("list", "item", "list means"),
        ("states", "state", "state means"),
        ("effects", "an_effect", "another Effects already"),
        ("extras", "append", "another Append already"),
        ("sheep", "sheep", "must differ"),
    ],
)
def test_a_name_that_would_not_do_is_refused(many: str, one: str, words: str) -> None:
    with pytest.raises(Refused, match=words):
        require_names(Names(many, one))


def test_a_class_that_another_action_has_is_refused() -> None:
    taken = min((cls.__name__ for cls in get_args(domain.Event)), key=len)
    one = re.sub("(?<!^)(?=[A-Z])", "_", taken).lower()

    with pytest.raises(Refused, match=f"another {taken} already"):
        require_names(Names("many", one))


@pytest.mark.parametrize(
    "there", ["app/domain/pins/x.py", "app/domain/pins.py", "app/api/pins.py", "tests/pins.py"]
)
def test_what_is_there_already_is_not_written_over(tmp_path: Path, there: str) -> None:
    for file in ("tests/scenario.py", there):
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).touch()

    with pytest.raises(Refused, match="is there already"):
        require_room([Names("pins", "pin").put_in(file) for file in FILES], tmp_path)


def test_a_feature_is_written_only_beside_tests(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="in the project's folder"):
        require_room(FILES, tmp_path)
