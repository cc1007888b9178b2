"""Somebody who is told who is present, for tests."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from tests.service import Service
from tests.talk import Talk, talk

SECONDS = 15


@asynccontextmanager
async def named(service: Service, user: str, *topics: str) -> AsyncIterator[Talk]:
    """A customer who has named these topics, once that is confirmed."""
    async with talk(service, user=user, topics=",".join(topics)) as talking:
        assert (await talking.hear())["topics"] == sorted(topics)
        yield talking


async def told(listener: Talk) -> Any:
    """What is told next of who is present."""
    async with asyncio.timeout(SECONDS):
        message = await listener.hear()
    assert "seq" not in message, "what passes is not in the log"
    return message["action"]["PresenceChanged"]


async def until_present(listener: Talk, *users: str, room: str = "lobby") -> None:
    """Wait until it is told that exactly these are in the room."""
    wanted = {"room": room, "user_ids": sorted(users), "more": 0}
    async with asyncio.timeout(SECONDS):
        while await told(listener) != wanted:
            pass
