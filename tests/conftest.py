"""Bakes for tests: real ones, from what git would hand to a user."""

import shutil
import sys
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from cookiecutter.main import cookiecutter

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from dev import clean_copy  # noqa: E402 - dev.py lies in the root

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


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The template without caches and environments."""
    return clean_copy(tmp_path_factory.mktemp("template") / "copy")


@pytest.fixture(scope="session")
def bake(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Bake:
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

    return baked


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
