"""The container is built and run by a real engine: talked to, killed, started again, stopped.

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
from pathlib import Path
from typing import Any

import httpx
import pytest
from websockets.sync.client import connect

from tests.conftest import Bake
from tests.test_product import free_port

pytestmark = pytest.mark.slow

IMAGE = "order-service-under-test"
SECRET = "5f0c9b2e7d41a8863c1e94d7b05a2f6b8e3d70c4916fa52bd8e07c3b6a4f1d92"
ITEM = {"product_id": "prod-1", "name": "Widget", "quantity": 2, "unit_price_cents": 1999}
ORDER = {"customer_id": "cust-123", "items": [ITEM]}


@pytest.fixture(scope="module")
def engine() -> Iterator[dict[str, str]]:
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
        lender.wait(timeout=60)
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


@pytest.fixture(scope="module")
def docker(engine: dict[str, str], bake: Bake) -> Docker:
    """The engine, with the image of a fresh project."""
    docker = Docker(engine, bake())
    docker("build", "--network", "host", "--pull=false", "-t", IMAGE, ".")
    return docker


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


@pytest.fixture
def volume(docker: Docker) -> Iterator[str]:
    """A volume of the test's own."""
    name = docker("volume", "create")
    yield name
    for container in docker("ps", "-aq", "--filter", f"volume={name}").split():
        docker("rm", "-f", container)
    docker("volume", "rm", name)


def test_the_service_talks_survives_a_kill_and_stops_with_status_0(
    docker: Docker, volume: str
) -> None:
    container = Container(docker, volume).ready()
    posted = httpx.post(f"{container.url}/api/v1/orders", json=ORDER)
    with connect(f"ws://127.0.0.1:{container.port}/ws") as ws:
        ws.send(json.dumps({"type": "command", "action": {"PlaceOrder": ORDER}}))
        # What the first order leads to may be heard before the second one.
        heard = (json.loads(ws.recv(timeout=5))["action"] for _ in range(10))
        placed = next(action["OrderPlaced"] for action in heard if "OrderPlaced" in action)

    docker("kill", "-s", "KILL", container.id)
    docker("wait", container.id)
    assert docker.look(container.id)["ExitCode"] == 137
    docker("start", container.id)
    container.ready()
    for order_id in posted.json()["order_id"], placed["order_id"]:
        assert httpx.get(f"{container.url}/api/v1/orders/{order_id}").status_code == 200

    docker("stop", container.id)
    assert docker.look(container.id)["ExitCode"] == 0, docker("logs", container.id)


def test_the_image_says_that_it_is_healthy(docker: Docker, volume: str) -> None:
    container = Container(docker, volume).ready()
    for _ in range(150):
        if docker.look(container.id)["Health"]["Status"] == "healthy":
            break
        time.sleep(0.2)

    assert docker.look(container.id)["Health"]["Status"] == "healthy"


def test_a_second_container_on_the_same_log_is_told_why_it_cannot(
    docker: Docker, volume: str
) -> None:
    Container(docker, volume).ready()

    second = Container(docker, volume)
    docker("wait", second.id)

    assert docker.look(second.id)["ExitCode"] == 1
    assert "is in use by another process" in docker("logs", second.id)


def test_the_service_is_nobody_in_particular(docker: Docker, volume: str) -> None:
    container = Container(docker, volume).ready()

    assert docker("exec", container.id, "id", "-u") == "10001"
    assert "Read-only" in docker("exec", container.id, "touch", "/service/x", ok=False)


def test_in_production_nobody_unnamed_may_do_anything(docker: Docker, volume: str) -> None:
    secret = f"APP_JWT_SECRET={SECRET}"
    container = Container(docker, volume, "APP_ENV=production", secret).ready()
    token = docker("exec", container.id, "python", "-m", "app", "token", "olga", "--role=operator")

    url = f"{container.url}/api/v1/orders"
    refused = httpx.post(url, json=ORDER)
    placed = httpx.post(url, json=ORDER, headers={"Authorization": f"Bearer {token}"})

    assert (refused.status_code, refused.json()["code"]) == (401, "unauthenticated")
    assert placed.status_code == 201
    assert docker("logs", container.id).splitlines()[-1].startswith("{"), "JSON in production"


def test_in_production_the_service_says_that_it_needs_a_secret(docker: Docker, volume: str) -> None:
    container = Container(docker, volume, "APP_ENV=production")
    docker("wait", container.id)

    assert docker.look(container.id)["ExitCode"] == 1
    assert "set APP_JWT_SECRET" in docker("logs", container.id)


def test_compose_accepts_its_file_and_says_what_is_missing(docker: Docker) -> None:
    command = ("compose", "config", "--format", "json")
    missing = docker(*command, ok=False)
    (docker.project / ".env").write_text(f"APP_JWT_SECRET={SECRET}\n")
    config = json.loads(docker(*command))["services"]["service"]
    (docker.project / ".env").write_text("APP_ENV=development\nAPP_JWT_SECRET=\n")
    tried = json.loads(docker(*command))["services"]["service"]
    (docker.project / ".env").unlink()

    assert "make one with openssl rand -hex 32" in missing
    assert config["environment"]["APP_ENV"] == "production"
    assert config["environment"]["APP_JWT_SECRET"] == SECRET
    assert config["read_only"] is True
    assert tried["environment"]["APP_ENV"] == "development"


def test_the_linter_of_dockerfiles_finds_nothing(bake: Bake) -> None:
    linter = str(Path(sys.executable).parent / "hadolint")

    checked = subprocess.run([linter, "Dockerfile"], cwd=bake(), capture_output=True, text=True)

    assert checked.returncode == 0, checked.stdout
