"""`python -m app feature`: whatever of the printed lines is forgotten, the feature's tests tell.

And with such a feature the counter is replaced, as the README of `blank` says.
"""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import Bake, type_checked

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
    assert done.stdout == "12 lines were missed\n"


def test_git_ignores_no_feature_whatever_its_name(bake: Bake) -> None:
    project = bake(starter="blank")
    asked = ["git", "check-ignore", "app/domain/data/x.py", "tests/backups/x.py", "data/x.db"]
    subprocess.run(["git", "init", "-q"], cwd=project, check=True)

    ignored = subprocess.run(asked, cwd=project, capture_output=True, text=True).stdout

    assert ignored == "data/x.db\n"


ADD_NOTES = """
from pathlib import Path
from tests.cli.test_feature import add, must, printed

add(Path.cwd(), list(printed(must(Path.cwd(), "app", "feature", "notes"))))
"""


def without_counter(code: str) -> str:
    """The code without what the list in the README says to delete."""
    code = re.sub(r"    if isinstance\(event, CounterEvent\):\n.*\n", "", code)
    code = re.sub(r" +case .*(?:Increment\(\)|Reset\(\)|\"counter\").*\n.*\n", "", code)
    return re.sub(r".*[Cc]ounter.*\n", "", code)


def test_the_counter_is_replaced_as_the_readme_says(bake: Bake) -> None:
    project = bake(starter="blank")

    def must(*command: str) -> None:
        done = subprocess.run(command, cwd=project, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr

    readme = (project / "README.md").read_text()
    told = readme.partition("## To replace the counter")[2].partition("\n## ")[0]
    steps = re.findall(r"^       (\S.*)$", told, re.M)
    removals = [step for step in steps if step.startswith("rm ")]
    (command,) = (step for step in steps if step.startswith("echo "))
    (declare,) = (step for step in steps if step.endswith("client/protocol.d.ts"))

    must(sys.executable, "-c", ADD_NOTES)
    for step in (*removals, command):
        must("bash", "-ec", step)
    for name in re.findall(r"^   - `(\S+)`", told, re.M):
        (project / name).write_text(without_counter((project / name).read_text()))
    for name, before, after in (
        ("load/artillery.yaml", "Increment:", "RevokeTokens:"),
        ("load/artillery.yaml", "by: 1", "user_id: nobody"),
        ("README.md", "counter", "notes"),
        ("README.md", "Increment", "AddNote"),
        ("client/README.md", "Increment", "AddNote"),
    ):
        text = (project / name).read_text()
        assert before in text
        (project / name).write_text(text.replace(before, after))
    must("bash", "-ec", declare.replace("uv run python", sys.executable))

    assert not [path for path in project.rglob("*.*") if is_counter(path)]
    must(sys.executable, "-m", "ruff", "check", "--fix", ".")
    must(sys.executable, "-m", "ruff", "format", "--check", ".")
    assert type_checked(project).returncode == 0
    names = ["notes", "policy", "bench", "schema", "wire", "test_domain.py", "test_docs.py"]
    tests = [f"tests/{name}" for name in names]
    must(sys.executable, "-m", "pytest", "-q", "-m", "not slow", "-p", "no:cacheprovider", *tests)


def is_counter(path: Path) -> bool:
    """Whether it is a file that speaks of the counter's command, and no cache."""
    is_text = path.is_file() and "__pycache__" not in path.parts
    return is_text and re.search(rb"\bIncrement", path.read_bytes()) is not None
