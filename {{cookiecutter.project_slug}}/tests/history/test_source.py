"""Values become Python source that gives equal values, laid out as `ruff format` would have it."""

import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any

import pytest

from app.core.effects import Append, Cancel, Delay, Dispatch
from app.core.principal import Principal, Role
from app.core.rejected import Code, Rejected
from app.wire.python_source import Imports, call, flat, lines, source

LETTERS = ("a", "B ", '"', "'", "\\", "\n", "é", "\u200b", "\x07", "漢", "0")
LENGTHS = (0, 1, 3, 8, 20, 45, 90)
NUMBERS = (1, -3, 10**12, 1.5, 1e22, True, None, -0.0)
VALUES = 300


def some(chance: Random, depth: int = 0) -> Any:
    """Any value, of any size."""
    match chance.randrange(9 if depth < 4 else 5):
        case 0:
            return "".join(chance.choices(LETTERS, k=chance.choice(LENGTHS)))
        case 1:
            return chance.choice(NUMBERS)
        case 2:
            return datetime(2026, chance.randint(1, 12), 3, chance.choice((0, 4)), tzinfo=UTC)
        case 3:
            return chance.choice((Role.OPERATOR, Code.INVALID))
        case 4:
            return Cancel("key")
        case 5:
            return tuple(some(chance, depth + 1) for _ in range(chance.randrange(4)))
        case 6:
            return [some(chance, depth + 1) for _ in range(chance.randrange(4))]
        case 7:
            return Delay(some(chance, depth + 1), some(chance, depth + 1))
    return Dispatch(Append(some(chance, depth + 1)))


def test_the_source_of_any_value_gives_it_back() -> None:
    chance = Random(1)  # noqa: S311 - chosen, not secret

    for _ in range(VALUES):
        value, imports = some(chance), Imports()
        text = flat(source(value, imports))
        names: dict[str, Any] = {}
        exec("\n".join(imports.lines()), names)  # noqa: S102 - what was just written
        assert eval(text, names) == value  # noqa: S307 - likewise


def test_it_is_laid_out_as_ruff_would(tmp_path: Path) -> None:
    chance, imports = Random(2), Imports()  # noqa: S311 - chosen, not secret
    body = [
        line
        for _ in range(VALUES)
        for line in lines(call("it.then", [source(some(chance), imports)]), 4)
    ]
    file = tmp_path / "written.py"
    head = ['"""Written."""', "", *imports.lines(), "", "def f(it: object) -> None:"]
    file.write_text("\n".join([*head, *body, ""]))

    ruff = [sys.executable, "-m", "ruff", "format", "--diff", "--line-length=100", str(file)]
    found = subprocess.run(ruff, capture_output=True, text=True)  # noqa: S603 - this very Python

    assert found.returncode == 0, found.stdout


def test_two_classes_of_one_name_are_told_apart() -> None:
    imports = Imports()

    names = [imports.name(f"app.domain.{each}.actions", "Status") for each in ("lamps", "chairs")]

    assert names == ["Status", "ChairsStatus"]
    assert "from app.domain.chairs.actions import Status as ChairsStatus" in list(imports.lines())


def test_what_cannot_be_written_is_refused() -> None:
    for value in (object(), float("inf"), Principal):
        with pytest.raises(Rejected, match="cannot be written"):
            source(value, Imports())
