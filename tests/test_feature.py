"""`python -m app feature`: whatever of the printed lines is forgotten, the feature's tests tell."""

import subprocess
import sys

import pytest

from tests.conftest import Bake

pytestmark = pytest.mark.slow

# Runs in the baked project: its own test knows how to read what was printed, and how to add it.
FORGET_ONE = """
import os
from pathlib import Path
from tests.cli.test_feature import add, must, printed, run

project = Path.cwd()
additions = list(printed(must(project, "app", "feature", "zebras")))
before = {each.file: (project / each.file).read_text() for each in additions}
for number, forgotten in enumerate([None, *additions]):
    for file, text in before.items():
        (project / file).write_text(text)
    add(project, [each for each in additions if each is not forgotten])
    for file in before:  # what was compiled before is known by its time, in whole seconds
        os.utime(project / file, (number, number))
    tests = run(project, "pytest", "-q", "-x", "-p", "no:cacheprovider", "tests/zebras")
    assert (tests.returncode == 0) is (forgotten is None), (forgotten, tests.stdout)
print(len(additions), "lines were missed")
"""


def test_every_printed_line_is_missed_when_it_is_forgotten(bake: Bake) -> None:
    done = subprocess.run(
        [sys.executable, "-c", FORGET_ONE],
        cwd=bake(starter="blank"),
        capture_output=True,
        text=True,
    )

    assert done.returncode == 0, done.stderr
    assert done.stdout == "13 lines were missed\n"
