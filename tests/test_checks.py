"""A fresh project passes its own checks, whatever was answered."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import Bake, type_checked
from tests.test_bakes import CHOICES, combinations

HERE = f"{sys.version_info.major}.{sys.version_info.minor}"

COMMANDS = {
    "format": ["ruff", "format", "--check", "."],
    "lint": ["ruff", "check", "."],
    "imports": ["lint-imports"],
}


def said(command: str, project: Path) -> subprocess.CompletedProcess[str]:
    """What a check of the project's own says."""
    program, *arguments = COMMANDS[command]
    call = [Path(sys.executable).parent / program, *arguments]
    return subprocess.run(call, cwd=project, capture_output=True, text=True)


@pytest.mark.parametrize("starter", CHOICES["starter"])
@pytest.mark.parametrize("command", ["format", "lint", "imports"])
def test_a_fresh_project_passes_its_own_checks(bake: Bake, starter: str, command: str) -> None:
    checked = said(command, bake(starter=starter))

    assert checked.returncode == 0, checked.stdout + checked.stderr


@pytest.mark.parametrize(
    "starter",
    [
        CHOICES["starter"][0],
        *(pytest.param(name, marks=pytest.mark.slow) for name in CHOICES["starter"][1:]),
    ],
)
def test_a_fresh_project_passes_its_own_type_check(bake: Bake, starter: str) -> None:
    checked = type_checked(bake(starter=starter), "--strict")

    assert checked.returncode == 0, checked.stdout + checked.stderr


@pytest.mark.slow
@pytest.mark.parametrize("python", {CHOICES["python"][0], CHOICES["python"][-1]} - {HERE})
def test_a_fresh_project_passes_its_type_check_on_the_newest_python_and_on_the_oldest(
    bake: Bake, python: str
) -> None:
    """The standard library's types differ, so one that passes on this Python may fail on others."""
    checked = type_checked(bake(), "--python-version", python)

    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_pairs_of_the_other_answers_pass_the_linter(bake: Bake) -> None:
    for answers in combinations("client", "ci"):
        assert said("lint", bake(**answers)).returncode == 0
