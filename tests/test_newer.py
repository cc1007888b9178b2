"""A newer template is taken as the README says: what was edited stays, what is new comes."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

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
    """The commands of a block of the README; uvx would fetch what is installed here."""
    block = re.search(
        f"<!-- {name} -->(.*?)<!-- /{name} -->", (ROOT / "README.md").read_text(), re.S
    )
    assert block
    lines = [line.strip() for line in block[1].splitlines() if line.strip()]
    return [line.removeprefix("uvx ") for line in lines]


def run(command: str, folder: Path) -> None:
    done = subprocess.run(
        ["bash", "-c", command], cwd=folder, env=ENVIRONMENT, capture_output=True, text=True
    )
    assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"


def test_a_newer_template_is_merged_as_the_readme_says(template: Path, tmp_path: Path) -> None:
    clone, project = tmp_path / "cookiecutter-composable-fastapi", tmp_path / "my-orders"
    shutil.copytree(template, clone)
    source = clone / "{{cookiecutter.project_slug}}"
    (answers := tmp_path / "given.json").write_text(json.dumps({"default_context": GIVEN}))
    run(f"cookiecutter {clone} --no-input --config-file {answers}", tmp_path)
    for command in told("kept"):
        run(command, project)
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
