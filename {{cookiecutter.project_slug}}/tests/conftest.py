"""What the tests share: a real service, and the real application without a socket."""

import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest
from hypothesis import settings

from app.bootstrap import create_app
from app.settings import Settings
from tests.described import client_of
from tests.service import Service

# How long something takes is a matter for benchmarks; a busy machine is no failure.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")

# What this machine sets is not what is tested, neither in its environment nor in a `.env`.
Settings.model_config["env_file"] = None
for name in [name for name in os.environ if name.startswith("APP_")]:
    del os.environ[name]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes long comes first: where several run at once, it is not what is left at the end."""
    items.sort(key=lambda item: item.get_closest_marker("slow") is None)


@pytest.fixture
def anyio_backend() -> str:
    """The service runs on asyncio."""
    return "asyncio"


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    """The service in a process of its own, on real sockets and a real file."""
    running = Service(tmp_path).start()
    yield running
    running.kill()


@pytest.fixture(scope="session")
def shared_service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """The same, but one for all tests that neither count on an empty log nor end the service."""
    running = Service(tmp_path_factory.mktemp("service")).start()
    yield running
    running.kill()


@pytest.fixture
async def http() -> AsyncIterator[httpx.AsyncClient]:
    """The application on a log in memory, spoken to without a socket.

    It is another one than `service`, with its own log: what is sent to one the other never hears.
    Whatever it answers must be as `/openapi.json` describes it.
    """
    app = create_app(Settings(event_log="memory://", command_burst=1000, _env_file=None))  # type: ignore[call-arg]
    async with (
        app.router.lifespan_context(app),
        client_of(app) as client,
    ):
        yield client
