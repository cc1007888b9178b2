"""What the repository must not hold."""

import ast
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from itertools import chain
from pathlib import Path

from tests.conftest import ROOT

ALLOWED = {
    "app/domain/__init__.py",
    "app/domain/policy.py",
    "app/api/__init__.py",
    "app/adapters/__init__.py",
    "app/bootstrap.py",
    "app/core/ports.py",
    "app/core/terms.py",
    "app/settings.py",
}
CONDITION = r'if cookiecutter\.starter ([!=]= "blank"|== "showcase")'
DIRECTIVE = re.compile(rf"^ *# \{{%-? ({CONDITION}|endif) \+?%\}}$", re.M)
MARKS = ("{" + "{", "{" + "%", "{" + "#")


def tracked() -> list[Path]:
    """The files that git has, and those it is about to have."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(command, cwd=ROOT, check=True, capture_output=True).stdout.decode()
    return [ROOT / name for name in names.split("\0") if name and (ROOT / name).is_file()]


def template_files() -> dict[str, str]:
    """The files of the generated project, by path."""
    (folder,) = ROOT.glob("*cookiecutter.project_slug*")
    found = [path for path in tracked() if folder in path.parents]
    return {path.relative_to(folder).as_posix(): path.read_text() for path in found}


def test_there_is_no_jinja_in_code_but_for_directives_where_they_are_allowed() -> None:
    code = {n: t for n, t in template_files().items() if n.endswith((".py", ".js", ".mjs", ".css"))}
    assert len(code) > 50

    for name, text in code.items():
        if name in ALLOWED:
            assert DIRECTIVE.search(text), f"{name} needs no exception"
            text = DIRECTIVE.sub("", text)
        for mark in MARKS:
            assert mark not in text, f"{name} has {mark} in it"


def test_what_is_rendered_is_named_here() -> None:
    rendered = {
        name
        for name, text in template_files().items()
        if MARKS[0] in text and not name.startswith(".github/")
    }

    assert rendered == {
        "pyproject.toml",
        "README.md",
        "LICENSE",
        "compose.yaml",
        "Dockerfile",
        "deploy/kubernetes.yaml",
        "docs/grafana.json",
        "app/name.txt",
    }


def test_there_are_no_lock_files_no_binaries_and_nothing_big() -> None:
    for path in tracked():
        assert path.name not in {"uv.lock", "package-lock.json", "poetry.lock"}
        assert path.stat().st_size < 500_000, path
        path.read_text()


def test_no_file_names_a_path_of_somebodys_machine() -> None:
    home, parent = str(Path.home()), str(ROOT.parent)
    for path in tracked():
        text = path.read_text()
        assert f"{home}/" not in text, path
        assert len(parent) < 3 or f"{parent}/" not in text, path


def test_what_the_service_imports_it_asks_for_by_name() -> None:
    files = template_files()
    table = tomllib.loads(files["pyproject.toml"])["project"]
    asked = {*table["dependencies"], *chain(*table["optional-dependencies"].values())}
    names = {re.split(r"[\[>]", each)[0].replace("-", "_") for each in asked}
    code = [t for n, t in files.items() if re.match(r"app/(?!scaffold/).*\.py$", n)]
    imported = {name.split(".")[0] for text in code for name in imports(ast.parse(text))}
    outside = imported - sys.stdlib_module_names - {"app"}

    found = packages_distributions()
    of = {name: {each.lower().replace("-", "_") for each in found[name]} for name in outside}
    unasked = {name for name in outside if names.isdisjoint(of[name])}

    # Each is half of something that is asked for: FastAPI, pydantic, pyjwt[crypto].
    assert unasked == {"starlette", "pydantic_core", "cryptography"}


def imports(tree: ast.AST) -> Iterator[str]:
    """The modules that a file imports, but for those beside it."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            yield str(node.module)


def test_every_measurement_can_be_begun() -> None:
    """A run of all of them takes most of an hour: a mistake in the last would cost the others."""
    (project,) = ROOT.glob("*cookiecutter.project_slug*")
    path = os.pathsep.join([str(ROOT), str(project)])
    program = (
        "from importlib import import_module\n"
        "from benchmarks.__main__ import MODULES\n"
        "assert all(callable(import_module(f'benchmarks.{name}').measure) for name in MODULES)\n"
    )
    command = [sys.executable, "-c", program]
    ended = subprocess.run(command, env={**os.environ, "PYTHONPATH": path}, capture_output=True)
    assert ended.returncode == 0, ended.stderr.decode()
