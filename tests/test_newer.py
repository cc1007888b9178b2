"""A newer template is taken as the README says: what was edited stays, what is new comes."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT

GIVEN = {"project_name": "My Orders", "license": "Proprietary"}
TOOLS = Path(sys.executable).parent
ENVIRONMENT = {
    **os.environ,
    "PATH": f"{TOOLS}{os.pathsep}{os.environ['PATH']}",
    **{f"GIT_{who}_NAME": "ada" for who in ("AUTHOR", "COMMITTER")},
    **{f"GIT_{who}_EMAIL": "ada@example.org" for who in ("AUTHOR", "COMMITTER")},
}


def told(name: str) -> list[str]:
    """The commands of a block of the README; uvx would fetch what is installed here.

    Those that are joined, or continued, are one.
    """
    block = re.search(
        f"<!-- {name} -->(.*?)<!-- /{name} -->", (ROOT / "README.md").read_text(), re.S
    )
    assert block
    lines = block[1].replace("uvx ", "").replace("&&\n", "&& ").splitlines()
    return [line.strip() for line in lines if line.strip()]


def run(command: str, folder: Path) -> None:
    done = subprocess.run(
        ["bash", "-c", command], cwd=folder, env=ENVIRONMENT, capture_output=True, text=True
    )
    assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"


@pytest.fixture
def project(template: Path, tmp_path: Path) -> Path:
    """One that was baked and kept as the README says; the template lies beside it."""
    clone, project = tmp_path / "cookiecutter-composable-fastapi", tmp_path / "my-orders"
    shutil.copytree(template, clone)
    (answers := tmp_path / "given.json").write_text(json.dumps({"default_context": GIVEN}))
    run(f"cookiecutter {clone} --no-input --config-file {answers}", tmp_path)
    for command in told("kept"):
        run(command, project)
    return project


def test_a_newer_template_is_merged_as_the_readme_says(project: Path) -> None:
    source = project.parent / "cookiecutter-composable-fastapi" / "{{cookiecutter.project_slug}}"
    rules = project / "app" / "domain" / "orders" / "reducer.py"
    rules.write_text(f"{rules.read_text()}# mine\n")
    run("git commit -qam mine", project)
    (project / ".env").write_text("APP_PORT=3001\n")

    (source / "docs" / "news.md").write_text("news\n")
    (source / "docs" / "scaling.md").unlink()
    limits = source / "docs" / "limits.md"
    limits.write_text(f"{limits.read_text()}More.\n")
    for command in told("newer"):
        run(command, project)

    docs = project / "docs"
    assert rules.read_text().endswith("# mine\n")
    assert (project / ".env").exists()
    assert (docs / "news.md").exists()
    assert not (docs / "scaling.md").exists()
    assert (docs / "limits.md").read_text().endswith("More.\n")
    assert (project / "LICENSE").read_text().startswith("Copyright")


def test_what_is_not_committed_is_not_lost_when_a_newer_template_is_taken(project: Path) -> None:
    rules = project / "app" / "domain" / "orders" / "reducer.py"
    rules.write_text(f"{rules.read_text()}# mine\n")
    (command,) = told("newer")

    with pytest.raises(AssertionError, match="local modifications"):
        run(command, project)

    assert rules.read_text().endswith("# mine\n")
    run("git diff --quiet template HEAD", project)
