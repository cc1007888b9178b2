"""Installs the peers under `.dev/bench/peers`: pinned, and only what this machine can have."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import TypeAlias

from benchmarks.measure import WORK, Missing

HERE = Path(__file__).parent
SERVERS = HERE / "servers"
INSTALLED = WORK / "peers"
SHARED = ("fastapi", "httptools", "uvicorn", "uvloop", "websockets")
PINNED = {
    "channels": "4.3.2",
    "django": "5.2.19",
    "picows": "2.3.1",
    "python-socketio": "5.18.1",
}
NODE_WS = "8.23.0"
GORILLA = Path("/usr/share/gocode")
LAST_WORDS = 300

Compiler: TypeAlias = Callable[[str, str], None]


def python() -> Path:
    """An interpreter that has the Python peers; what the service uses, too, in its version."""
    wanted = [f"{name}=={version(name)}" for name in SHARED]
    wanted += [f"{name}=={number}" for name, number in PINNED.items()]
    folder = INSTALLED / "python"
    found = folder / "bin" / "python"
    mark = folder / "wanted"
    if not mark.exists() or mark.read_text() != "\n".join(wanted):
        _run(sys.executable, "-m", "venv", "--clear", str(folder))
        _run(str(found), "-m", "pip", "install", "--quiet", *wanted)
        mark.write_text("\n".join(wanted))
    return found


def node() -> tuple[str, Path]:
    """Node, and the folder in which it finds `ws`."""
    program = _program("node")
    folder = INSTALLED / "node" / NODE_WS
    modules = folder / "node_modules"
    if not (modules / "ws").exists():
        folder.mkdir(parents=True, exist_ok=True)
        options = ("--no-audit", "--no-fund", "--no-save")
        _run(_program("npm"), "install", *options, "--prefix", str(folder), f"ws@{NODE_WS}")
    return program, modules


def gorilla() -> Path:
    """The hub in Go."""
    go = _program("go")
    if not GORILLA.exists():
        raise Missing("Debian's golang-github-gorilla-websocket-dev is not installed")
    return _built(
        SERVERS / "gorilla.go",
        lambda source, built: _run(
            *("env", "GO111MODULE=off", f"GOPATH={GORILLA}", go, "build", "-o", built, source)
        ),
    )


def compiled(source: Path) -> Path:
    """What this program in C becomes."""
    gcc = _program("gcc")
    return _built(source, lambda text, built: _run(gcc, "-O2", "-o", built, text))


def version_of(*command: str) -> str:
    """The version that a program tells, or nothing."""
    try:
        said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return ""
    return said.splitlines()[0].strip() if said else ""


def _built(source: Path, build: Compiler) -> Path:
    texts = [source, *sorted(source.parent.glob("*.h"))]
    digest = hashlib.sha256(b"".join(text.read_bytes() for text in texts)).hexdigest()[:12]
    built = INSTALLED / "built" / f"{source.stem}-{digest}"
    if not built.exists():
        built.parent.mkdir(parents=True, exist_ok=True)
        build(str(source), str(built))
    return built


def _program(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        raise Missing(f"there is no {name}")
    return found


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        words = (done.stderr or done.stdout).strip()[-LAST_WORDS:]
        raise Missing(f"`{' '.join(command[:4])} …` has failed: {words}")
