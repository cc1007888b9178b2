"""The container is built and run by a real engine: talked to, killed, started again, stopped."""

import json
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from websockets.sync.client import connect

from tests.conftest import Bake
from tests.engine import IMAGE, Container, Docker, docker_engine
from tests.guide.running import project_module
from tests.test_product import run

pytestmark = pytest.mark.slow

BUILD = ("--network", "host", "--pull=false")
NATS = ["nats-1", "nats-2", "nats-3"]
SECRET = "5f0c9b2e7d41a8863c1e94d7b05a2f6b8e3d70c4916fa52bd8e07c3b6a4f1d92"
ITEM = {"product_id": "prod-1", "name": "Widget", "quantity": 2, "unit_price_cents": 1999}
ORDER = {"customer_id": "cust-123", "items": [ITEM]}


Compose = Callable[..., Any]


@pytest.fixture(scope="module")
def docker(bake: Bake) -> Iterator[Docker]:
    """The engine, with the image of a fresh project, whose files only their owner can read."""
    project = bake()
    run(["chmod", "-R", "go-rwx", "."], project)
    with docker_engine() as environment:
        docker = Docker(environment, project)
        docker("build", *BUILD, "-t", IMAGE, ".")
        yield docker


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


@pytest.fixture
def compose(docker: Docker) -> Iterator[Compose]:
    """Reads compose.yaml, with these lines in `.env`; its services, or what it says."""
    path = docker.project / ".env"

    def read(*options: str, ok: bool = True, **lines: str) -> Any:
        path.write_text("".join(f"{name}={value}\n" for name, value in lines.items()))
        said = docker("compose", *options, "config", "--format", "json", ok=ok)
        return json.loads(said) if ok else said

    yield read
    path.unlink()


def test_compose_accepts_its_file_and_says_what_is_missing(compose: Compose) -> None:
    missing = compose(ok=False)
    services = compose(APP_JWT_SECRET=SECRET)["services"]
    tried = compose(APP_ENV="development", APP_JWT_SECRET="")["services"]["service"]

    assert "make one with openssl rand -hex 32" in missing
    assert list(services) == ["service"]
    assert services["service"]["environment"]["APP_ENV"] == "production"
    assert services["service"]["environment"]["APP_JWT_SECRET"] == SECRET
    assert services["service"]["read_only"] is True
    assert tried["environment"]["APP_ENV"] == "development"


def test_a_line_of_env_is_a_setting_in_the_container_but_for_those_of_its_place(
    compose: Compose,
) -> None:
    lines = {
        "APP_JWT_SECRET": SECRET,
        "APP_TRUSTED_PROXIES": "172.18.0.1",
        "APP_COMMANDS_PER_SECOND": "5",
        "APP_HOST": "127.0.0.1",
        "APP_PORT": "4000",
        "APP_EVENT_LOG": "sqlite:////home/ada/events.db",
    }
    service = compose(**lines)["services"]["service"]

    assert service["environment"] == {
        **lines,
        "APP_ENV": "production",
        "APP_HOST": "0.0.0.0",
        "APP_PORT": "3000",
        "APP_EVENT_LOG": "sqlite:////data/events.db",
    }
    assert [(port["published"], port["target"]) for port in service["ports"]] == [("4000", 3000)]


@pytest.mark.parametrize(
    ("profile", "servers", "log"),
    [
        ("postgres", ["postgres"], "postgresql://app:5ec4e7@postgres/app"),
        ("nats", NATS, f"nats://{','.join(f'{name}:4222' for name in NATS)}?replicas=3"),
    ],
)
def test_a_profile_has_two_nodes_on_one_log_behind_a_proxy_whom_they_believe(
    compose: Compose, profile: str, servers: list[str], log: str
) -> None:
    read = compose("--profile", profile, APP_JWT_SECRET=SECRET, POSTGRES_PASSWORD="5ec4e7")
    services = read["services"]
    nodes = [services.pop(f"{profile}-node-{number}") for number in (1, 2)]
    caddy = services.pop(f"{profile}-caddy")
    del services["service"]

    assert sorted(services) == servers
    aliases = [node["networks"]["nodes"]["aliases"] for node in nodes]
    upstreams = [f"{alias}:3000" for (alias,) in aliases]
    assert caddy["environment"]["NODES"].split() == upstreams
    assert len(set(upstreams)) == 2
    for node in nodes:
        assert node["read_only"] is True
        assert node["environment"]["APP_ENV"] == "production"
        assert node["environment"]["APP_EVENT_LOG"] == log
        assert (
            node["environment"]["APP_TRUSTED_PROXIES"]
            == (caddy["networks"]["nodes"]["ipv4_address"])
        )
        assert "ports" not in node
    for service in (caddy, *services.values()):
        assert re.fullmatch(r"[a-z]+:\d+\.\d+(\.\d+)?", service["image"])
    for volume in (
        volume for service in (caddy, *services.values()) for volume in service["volumes"]
    ):
        assert volume["type"] == "volume" or Path(volume["source"]).is_file()


@pytest.mark.parametrize(
    ("engine", "address"),
    [
        ("postgres", "postgresql://app:secret-9@127.0.0.1:PORT/postgres"),
        ("nats", "nats://app:secret-9@127.0.0.1:PORT"),
    ],
)
def test_two_containers_are_two_nodes_on_one_log(
    docker: Docker, volume: str, engine: str, address: str
) -> None:
    servers = project_module("tests/runtime/event_log/servers.py")
    with getattr(servers, engine)() as server:
        log = f"APP_EVENT_LOG={address.replace('PORT', str(server.port))}"
        first, second = (Container(docker, volume, log) for _ in range(2))
        first.ready()
        second.ready()
        with connect(f"ws://127.0.0.1:{second.port}/ws") as ws:
            order_id = httpx.post(f"{first.url}/api/v1/orders", json=ORDER).json()["order_id"]
            heard = json.loads(ws.recv(timeout=10))
        docker("stop", first.id)
        afterwards = httpx.post(f"{second.url}/api/v1/orders", json=ORDER)
        docker("stop", second.id)

    assert heard["action"]["OrderPlaced"]["order_id"] == order_id
    assert afterwards.status_code == 201
    assert [docker.look(node.id)["ExitCode"] for node in (first, second)] == [0, 0]
    assert "secret-9" not in docker("logs", first.id) + docker("logs", second.id)


def test_the_image_has_the_extras_that_are_asked_for(docker: Docker) -> None:
    look = "from importlib.util import find_spec as f; print(*map(bool, map(f, NAMES)))"
    look = f"NAMES = 'psycopg', 'nats', 'opentelemetry.sdk'; {look}"
    options = ("--network", "none", "--rm")
    lean = f"{IMAGE}-lean"
    docker("build", *BUILD, "--build-arg", "EXTRAS=otel", "-t", lean, ".")

    assert docker("run", *options, IMAGE, "python", "-c", look) == "True True False"
    assert docker("run", *options, lean, "python", "-c", look) == "False False True"


def test_the_image_is_what_the_lock_file_says(docker: Docker, tmp_path: Path) -> None:
    project = shutil.copytree(docker.project, tmp_path / "locked")
    locked = run(["uv", "lock", "--quiet"], project)
    docker = Docker(docker.environment, project)
    docker("build", *BUILD, "-t", f"{IMAGE}-locked", ".")

    look = "import psycopg, nats, app.bootstrap; print(psycopg.pq.__impl__)"
    assert locked == ""
    assert docker("run", "--network", "none", "--rm", f"{IMAGE}-locked", "python", "-c", look) == (
        "binary"
    )


def test_the_linter_of_dockerfiles_finds_nothing(bake: Bake) -> None:
    linter = str(Path(sys.executable).parent / "hadolint")

    checked = subprocess.run([linter, "Dockerfile"], cwd=bake(), capture_output=True, text=True)

    assert checked.returncode == 0, checked.stdout
