"""The ways of serving, each on a server of its own for all tests of a module."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.live.transport.served import Served, served


@pytest.fixture(scope="module", params=["asyncio", "uvloop"])
def anyio_backend(request: pytest.FixtureRequest) -> tuple[str, dict[str, Any]]:
    """Both loops: they differ in when they write and in what they allow after the end."""
    return "asyncio", {"use_uvloop": request.param == "uvloop"}


@pytest.fixture(scope="module", params=["direct", "uvicorn"])
async def any_way(request: pytest.FixtureRequest, anyio_backend: object) -> AsyncIterator[Served]:
    """The application, served in every way."""
    async with served(request.param) as application:
        yield application


@pytest.fixture
async def application(any_way: Served) -> AsyncIterator[Served]:
    """The same, with nothing of earlier tests; and nothing is left of this one, either."""
    any_way.receivers.clear()
    any_way.scopes.clear()
    before = len(asyncio.all_tasks())
    yield any_way
    await nothing_is_left(any_way, before)


@pytest.fixture(params=["direct", "uvicorn", "hypercorn"])
async def anywhere(request: pytest.FixtureRequest) -> AsyncIterator[Served]:
    """The application, served in every way, and by a server that is not uvicorn, too."""
    async with served(request.param) as application:
        yield application
    for echo in application.receivers:
        assert len(echo.codes) == 1, "the end is told once"


@pytest.fixture(scope="module")
async def direct(anyio_backend: object) -> AsyncIterator[Served]:
    """The application, served by our own protocol."""
    async with served("direct") as application:
        yield application


@pytest.fixture
async def own(direct: Served) -> AsyncIterator[Served]:
    """The same, with nothing of earlier tests; and nothing is left of this one, either."""
    direct.receivers.clear()
    direct.scopes.clear()
    before = len(asyncio.all_tasks())
    yield direct
    await nothing_is_left(direct, before)


async def nothing_is_left(application: Served, tasks: int) -> None:
    async with asyncio.timeout(12):
        for echo in application.receivers:
            await echo.over.wait()
            assert len(echo.codes) == 1, "the end is told once"
        while application.connections or len(asyncio.all_tasks()) > tasks:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
