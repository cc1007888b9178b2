"""Bakes for tests: real ones, from what git would hand to a user."""

import sys
from collections.abc import Callable
from itertools import count
from pathlib import Path

import pytest
from cookiecutter.main import cookiecutter

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from dev import clean_copy  # noqa: E402 - dev.py lies in the root

Bake = Callable[..., Path]


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
