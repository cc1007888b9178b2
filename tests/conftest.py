"""Bakes for tests: real ones, from what git would hand to a user."""

import fcntl
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import cache
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from cookiecutter import generate
from cookiecutter.main import cookiecutter
from jinja2 import Environment

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from dev import DEV, clean_copy  # noqa: E402 - dev.py lies in the root

Bake = Callable[..., Path]

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
CHROMIUM_OPTIONS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-quic",
    "--no-first-run",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes long comes first: where several run at once, it is not what is left at the end."""
    items.sort(key=lambda item: item.get_closest_marker("slow") is None)


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The template without caches and environments."""
    return clean_copy(tmp_path_factory.mktemp("template") / "copy")


@pytest.fixture(scope="session")
def bake(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bake]:
    """Makes a project with the default answers but for those given; its folder."""
    numbers = count()

    def baked(**answers: str) -> Path:
        folder = tmp_path_factory.mktemp("baked") / str(next(numbers))
        made = cookiecutter(
            str(template),
            no_input=True,
            default_config=True,
            output_dir=str(folder),
            extra_context=answers,
        )
        return Path(made)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Environment, "compile", compiles_once(Environment.compile))
        patch.setattr(generate, "is_binary", cache(generate.is_binary))
        yield baked


def compiles_once(compiled: Callable[..., Any]) -> Callable[..., Any]:
    """Jinja's own `compile`, which keeps what it made: all bakes are of the same files."""
    made: dict[object, Any] = {}

    def compiled_once(env: Environment, source: str, *names: str | None) -> Any:
        key = (env.lexer, source, *names)
        if key not in made:
            made[key] = compiled(env, source, *names)
        return made[key]

    return compiled_once


def type_checked(project: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """What mypy says; one at a time, for all may have one cache."""
    DEV.mkdir(exist_ok=True)
    with (DEV / "mypy.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        call = [sys.executable, "-m", "mypy", *options]
        return subprocess.run(call, cwd=project, capture_output=True, text=True)


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """Chromium: one for all tests of a process, which can have no more."""
    playwright = pytest.importorskip("playwright.sync_api")
    if CHROMIUM is None:
        pytest.skip("chromium is not installed")
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_OPTIONS)
        yield browser
        browser.close()
