"""Packages of npm, installed once, outside of what git knows."""

import os
import shutil
import subprocess
import tempfile
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

import pytest

from tests.guide.running import ROOT, environment

CACHE = ROOT / ".dev" / "npm"
PACKAGES = (
    "@types/react@19.3.0",
    "axe-core@4.14.1",
    "esbuild@0.28.2",
    "jsdom@26.1.0",
    "react@19.3.1",
    "react-dom@19.3.1",
    "typescript@7.0.2",
    "ws@8.23.0",
    "wscat@6.1.0",
)
NO_NETWORK = ("ENOTFOUND", "EAI_AGAIN", "ECONNREFUSED", "ECONNRESET", "ETIMEDOUT", "ENETUNREACH")


def node_modules(*packages: str) -> Path:
    """The folder in which Node finds these, or else all of the packages above.

    Skips where npm is not to be had.
    """
    return _installed(packages or PACKAGES) / "node_modules"


def node_environment() -> dict[str, str]:
    """An environment in which Node finds the packages, and a shell their programs."""
    modules = node_modules()
    path = f"{modules / '.bin'}{os.pathsep}{os.environ['PATH']}"
    return environment(PATH=path, NODE_PATH=str(modules))


def _installed(packages: tuple[str, ...]) -> Path:
    """The folder with the packages; skips where npm is not to be had."""
    if not (shutil.which("npm") and shutil.which("node")):
        pytest.skip("needs Node and npm")
    folder = CACHE / sha256(" ".join(packages).encode()).hexdigest()[:16]
    if not folder.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        fresh = Path(tempfile.mkdtemp(dir=CACHE))
        try:
            _install(fresh, packages)
            with suppress(OSError):  # another process was faster
                fresh.rename(folder)
        finally:
            shutil.rmtree(fresh, ignore_errors=True)
    return folder


def _install(folder: Path, packages: tuple[str, ...]) -> None:
    options = ["--no-audit", "--no-fund", "--no-package-lock", "--ignore-scripts"]
    result = subprocess.run(
        ["npm", "install", "--prefix", str(folder), *options, *packages],
        capture_output=True,
        text=True,
        timeout=300,
    )
    if any(sign in result.stderr for sign in NO_NETWORK):
        pytest.skip("npm cannot reach its registry")
    assert result.returncode == 0, result.stderr
