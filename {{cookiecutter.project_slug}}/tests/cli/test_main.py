"""`python -m app`, while what it is made of is imported, and when it cannot be."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.service import ROOT, environment


@pytest.mark.parametrize(
    ("mistake", "words"),
    [
        ("\nnot Python at all\n", ["policy.py", "SyntaxError"]),
        ("\nmissing()\n", ["policy.py, line ", "NameError: name 'missing' is not defined"]),
        ("\nimport nowhere\n", ["policy.py, line ", "No module named 'nowhere'", "`uv sync`"]),
    ],
)
def test_code_that_cannot_be_imported_is_a_check_that_could_not_be_made(
    tmp_path: Path, mistake: str, words: list[str]
) -> None:
    copy = shutil.copytree(
        ROOT / "app", tmp_path / "app", ignore=shutil.ignore_patterns("__pycache__")
    )
    with (copy / "domain" / "policy.py").open("a") as policy:
        policy.write(mistake)

    checked = subprocess.run(
        [sys.executable, "-m", "app", "check"], cwd=tmp_path, capture_output=True, text=True
    )

    assert checked.returncode == 2
    assert checked.stderr.startswith("the code cannot be imported: ")
    assert "Traceback" not in checked.stderr
    for word in words:
        assert word in checked.stderr


def test_only_for_a_package_that_is_missing_it_is_said_how_to_install(tmp_path: Path) -> None:
    copy = shutil.copytree(
        ROOT / "app", tmp_path / "app", ignore=shutil.ignore_patterns("__pycache__")
    )
    (copy / "domain" / "features.py").unlink()

    started = subprocess.run(
        [sys.executable, "-m", "app"], cwd=tmp_path, capture_output=True, text=True
    )

    assert started.returncode == 2
    assert "No module named 'app.domain.features'" in started.stderr
    assert "uv" not in started.stderr


TOLD = "import os, signal\nos.kill(os.getpid(), signal.SIGTERM)\n"
TOLD_LATER = """
import os, signal

def read_settings():
    os.kill(os.getpid(), signal.SIGTERM)
    raise AssertionError("it goes on")
"""


@pytest.mark.parametrize(
    ("where", "when", "status"), [("domain/policy.py", TOLD, 143), ("settings.py", TOLD_LATER, 0)]
)
def test_who_is_told_to_stop_while_it_begins_ends_at_once(
    tmp_path: Path, where: str, when: str, status: int
) -> None:
    """It handles the signal: else the first process of a container would not get it at all."""
    copy = shutil.copytree(
        ROOT / "app", tmp_path / "app", ignore=shutil.ignore_patterns("__pycache__")
    )
    with (copy / where).open("a") as code:
        code.write(when)

    told = subprocess.run(
        [sys.executable, "-m", "app"], cwd=tmp_path, env=environment(PYTHONPATH=""), timeout=30
    )

    assert told.returncode == status
