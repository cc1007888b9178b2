"""The server in one process, apart from what it serves."""

import asyncio
import signal

import pytest

from app.bootstrap import create_app
from app.cli import server as module
from app.cli.server import Server
from tests.access.keys import settings_of


@pytest.mark.anyio
async def test_it_begins_to_stop_as_soon_as_it_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "TICK_SECONDS", 3600)
    server = Server(create_app(settings_of()))
    server.config.load()
    serving = asyncio.create_task(server.main_loop())
    await asyncio.sleep(0.1)
    assert not serving.done()

    server.handle_exit(signal.SIGTERM, None)
    async with asyncio.timeout(10):
        await serving
    assert not server.force_exit
