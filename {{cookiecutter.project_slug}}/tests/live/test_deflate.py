"""Compression is off, unless it is asked for."""

from pathlib import Path

import pytest
from websockets.asyncio.client import connect

from tests.service import Service
from tests.talk import Talk

pytestmark = pytest.mark.anyio

HEADER = "Sec-WebSocket-Extensions"


async def negotiated(service: Service) -> str:
    """What a client that can compress is answered; its command is done in any case."""
    async with connect(f"{service.ws}/ws", compression="deflate") as socket:
        assert socket.request is not None
        assert "permessage-deflate" in socket.request.headers[HEADER]
        *_, ack = await Talk(socket).command({"RevokeTokens": {"user_id": "ada" * 20}})
        assert ack["type"] == "ack"
        assert socket.response is not None
        return socket.response.headers.get(HEADER, "")


async def test_by_default_nothing_is_compressed(service: Service) -> None:
    assert await negotiated(service) == ""


async def test_messages_are_compressed_when_it_is_set(tmp_path: Path) -> None:
    service = Service(tmp_path, APP_DEFLATE="true").start()
    try:
        assert (await negotiated(service)).startswith("permessage-deflate")
        assert service.stop() == 0
    finally:
        service.kill()
