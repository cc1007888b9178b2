"""The quick start and the other ways to install are followed to the letter."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

from tests.conftest import ROOT, Bake

TOOLS = Path(sys.executable).parent
CLEAN = {
    **{
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("APP_", "VIRTUAL_"))
    },
    "PATH": f"{TOOLS}{os.pathsep}{os.environ['PATH']}",
    "PIP_NO_COMPILE": "1",  # most of what is installed is never imported
    "UV_PYTHON_DOWNLOADS": "never",
    "UV_PYTHON": sys.base_prefix + "/bin/python3",
}

pytestmark = pytest.mark.slow


def free_port() -> int:
    """A port that nobody listens on just now."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def run(command: list[str], folder: Path, stdin: int | None = None) -> str:
    """Run a command that must succeed; what it said."""
    done = subprocess.run(
        command,
        cwd=folder,
        env=CLEAN,
        text=True,
        stdin=stdin,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    assert done.returncode == 0, f"{' '.join(command)}:\n{done.stdout}"
    return done.stdout


def at_a_terminal(command: str, folder: Path) -> str:
    """Run a command for somebody who may still type: what it said until it ended by itself."""
    reading, typing = os.pipe()
    try:
        return run(["bash", "-c", command], folder, stdin=reading)
    finally:
        os.close(reading)
        os.close(typing)


def serves(command: list[str], folder: Path, client: str = "") -> str:
    """Run a service, place an order with it, and stop it; what the client said, if there is one."""
    port = free_port()
    settings = {**CLEAN, "APP_PORT": str(port)}
    service = subprocess.Popen(command, cwd=folder, env=settings, start_new_session=True)
    try:
        for _ in range(400):
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=1):
                    break
            except OSError:
                assert service.poll() is None, "the service ended"
                time.sleep(0.05)
        item = {"product_id": "p", "name": "Widget", "quantity": 2, "unit_price_cents": 1999}
        order = json.dumps({"customer_id": "c", "items": [item]}).encode()
        url = f"http://127.0.0.1:{port}/api/v1/orders"
        request = urllib.request.Request(url, order, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=5) as answer:
            assert json.load(answer)["total_cents"] == 3998
        return at_a_terminal(client.replace(":3000", f":{port}"), folder) if client else ""
    finally:
        os.killpg(service.pid, signal.SIGTERM)
        assert service.wait(timeout=20) in (0, -signal.SIGTERM, 143)


def test_the_quick_start_of_the_readme_is_followed_to_the_letter(
    template: Path, tmp_path: Path
) -> None:
    readme = (ROOT / "README.md").read_text()
    block = re.search(r"<!-- quick start -->(.*?)<!-- /quick start -->", readme, re.S)
    assert block
    commands = [line.strip() for line in block[1].splitlines() if line.strip()]
    assert len(commands) <= 5
    bake, enter, install, start, talk = commands

    clone = tmp_path / "clone"
    clone.mkdir()
    run(["bash", "-c", f"{bake.replace(' . ', f' {template} ')} --default-config"], clone)
    project = clone / enter.removeprefix("cd ")
    assert not list(clone.iterdir()), "the project lies beside the clone"
    run(["bash", "-c", install], project)
    talk = talk.replace("npx ", "npx --yes ") if shutil.which("npx") else ""
    heard = serves(["bash", "-c", f"exec {start}"], project, talk)

    assert (project / "data" / "events.db").exists()
    if talk:
        assert '"OrderPlaced"' in heard
        assert '"total_cents":3998' in heard


def test_a_project_is_installed_and_tested_with_uv(bake: Bake) -> None:
    project = bake(starter="blank")

    run(["uv", "sync"], project)

    # All of it is run where projects are baked for their own tests; here, that nothing is missing.
    run(["uv", "run", "pytest", "-q", "--collect-only"], project)
    assert " passed" in run(["uv", "run", "pytest", "-q", "tests/counter", "tests/api"], project)


def test_a_project_is_installed_with_pip_alone(bake: Bake, tmp_path: Path) -> None:
    project = bake()
    run([sys.executable, "-m", "venv", str(tmp_path / "venv")], project)
    python = str(tmp_path / "venv/bin/python")

    run([python, "-m", "pip", "install", "-q", "--upgrade", "pip"], project)
    run([python, "-m", "pip", "install", "-q", "--editable", ".", "--group", "dev"], project)

    run([python, "-m", "pytest", "-q", "tests/orders/test_rules.py"], project)
    serves([python, "-m", "app"], project)
