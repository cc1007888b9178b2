"""Moments of a log as tests, put into a copy of this project."""

import asyncio
import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

from app.access.store import AppStore
from app.core.effects import Delay
from app.core.principal import Principal
from app.domain import Command, Event
from app.runtime.pending import Pending

ROOT = Path(__file__).parent.parent.parent


async def at_rest(store: AppStore) -> None:
    """Return when nothing goes on any more but what waits for its time."""
    async with asyncio.timeout(20):
        # The end of an effect is no event that could be waited for.
        while any(not isinstance(each.effect, Delay) for each in pending(store)):  # noqa: ASYNC110
            await asyncio.sleep(0.01)


def pending(store: AppStore) -> Iterable[Pending[Command]]:
    return store.head.effects.pending.values()


async def never_gone() -> bool:
    return False


def may_see_all(action: Command | Event, by: Principal) -> bool:
    return True


def copied(tmp_path: Path) -> Path:
    """A copy of this project, as far as scenarios need it."""
    shutil.copytree(ROOT / "app", tmp_path / "app", ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "tests" / "pasted").mkdir(parents=True)
    for file in "__init__.py", "scenario.py":
        shutil.copy(ROOT / "tests" / file, tmp_path / "tests")
    (tmp_path / "tests" / "pasted" / "__init__.py").touch()
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def run(project: Path, *command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603 - this very Python
        [sys.executable, "-m", *command], cwd=project, capture_output=True, text=True
    )
