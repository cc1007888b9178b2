"""The application with a key, as in production, without a socket."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, TypeAlias

import httpx
import pytest

from app.bootstrap import create_app
from app.settings import Env
from tests.access.keys import SECRET, settings_of

Open: TypeAlias = Callable[..., AbstractAsyncContextManager[httpx.AsyncClient]]

OWN = "http://localhost"


@pytest.fixture
def opened() -> Open:
    """Opens the application of production with other settings; a client of it."""

    @asynccontextmanager
    async def open_with(**values: Any) -> AsyncIterator[httpx.AsyncClient]:
        given = {"env": Env.PRODUCTION, "jwt_secret": SECRET} | values
        app = create_app(settings_of(**given))
        async with (
            app.router.lifespan_context(app),
            httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=OWN) as client,
        ):
            yield client

    return open_with


@pytest.fixture
async def guarded(opened: Open) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the application of production."""
    async with opened() as client:
        yield client
