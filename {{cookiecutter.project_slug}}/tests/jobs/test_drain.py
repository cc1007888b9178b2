"""A stop lets the batch that is under way end, and tells everybody what came of it."""

import asyncio

import httpx
import pytest

from tests.service import Service
from tests.talk import talk

pytestmark = pytest.mark.anyio


async def test_what_is_under_way_ends_and_is_told_before_everybody_is_sent_away(
    service: Service,
) -> None:
    async with (
        talk(service, topics="jobs") as client,
        httpx.AsyncClient(base_url=service.url) as other,
    ):
        action = {"StartBatch": {"total_items": 300}}
        assert (await other.post("/api/v1/commands", json=action)).status_code == 200
        stopping = asyncio.create_task(asyncio.to_thread(service.stop))
        heard = await client.rest()
        status = await stopping

        assert await client.closed() == 1012
    names = [next(iter(message["action"])) for message in heard if message["type"] == "event"]
    assert (names[0], names[-1]) == ("BatchProcessStarted", "BatchProcessCompleted")
    assert status == 0
