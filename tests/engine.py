"""A Docker engine, and containers of the image under test.

An engine that answers is used as it is. Where there is none, DOCKER_WITH may name a program that
runs a command with one.
"""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.test_product import free_port

IMAGE = "order-service-under-test"


@contextmanager
def docker_engine() -> Iterator[dict[str, str]]:
    """The environment in which `docker` finds an engine; skips when there is none to be had."""
    if shutil.which("docker") and _answers(dict(os.environ)):
        yield dict(os.environ)
        return
    if "DOCKER_WITH" not in os.environ:
        pytest.skip("no Docker engine answers, and DOCKER_WITH names no program that brings one")
    show = "import json, os; print('READY' + json.dumps(dict(os.environ)), flush=True); input()"
    lender = subprocess.Popen(
        [os.environ["DOCKER_WITH"], sys.executable, "-c", show],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert lender.stdin
    assert lender.stdout
    assert lender.stderr
    try:
        for line in lender.stdout:
            if line.startswith("READY"):
                yield json.loads(line.removeprefix("READY"))
                return
        said = lender.stderr.read()
        assert lender.wait() == 2, said
        pytest.skip(f"no Docker engine: {said.strip().splitlines()[-1]}")
    finally:
        if lender.poll() is None:
            lender.stdin.write("\n")
            lender.stdin.close()
        lender.wait(timeout=180)  # it has much to take down
        lender.stdout.close()
        lender.stderr.close()


def _answers(environment: dict[str, str]) -> bool:
    asked = subprocess.run(["docker", "info"], env=environment, capture_output=True)
    return asked.returncode == 0


class Docker:
    """The engine, by its command line."""

    def __init__(self, environment: dict[str, str], project: Path) -> None:
        self.environment = environment
        self.project = project

    def __call__(self, *arguments: str, ok: bool = True) -> str:
        """Run one docker command; what it printed."""
        done = subprocess.run(
            ["docker", *arguments],
            cwd=self.project,
            env=self.environment,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        assert done.returncode == 0 or not ok, done.stdout
        return done.stdout.strip()

    def look(self, container: str) -> Any:
        """What the engine knows of a container."""
        return json.loads(self("inspect", container))[0]["State"]


class Container:
    """One container of the image, hardened as production would have it."""

    def __init__(self, docker: Docker, volume: str, *settings: str) -> None:
        self.docker = docker
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        options = ["--read-only", "--tmpfs", "/tmp", "--cap-drop", "ALL", "--network", "host"]
        options += ["--security-opt", "no-new-privileges", "-v", f"{volume}:/data"]
        for setting in (f"APP_PORT={self.port}", "APP_HOST=127.0.0.1", *settings):
            options += ["-e", setting]
        self.id = docker("run", "-d", *options, IMAGE).splitlines()[-1]

    def ready(self) -> "Container":
        """Wait until it answers."""
        for _ in range(200):
            try:
                if httpx.get(f"{self.url}/health/ready").status_code == 200:
                    return self
            except httpx.TransportError:
                assert self.docker.look(self.id)["Running"], self.docker("logs", self.id)
            time.sleep(0.1)
        raise AssertionError(self.docker("logs", self.id))
