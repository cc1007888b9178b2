"""A test that waits for what never comes fails, and says what came instead."""

import pytest
from websockets.asyncio.client import connect

from tests.service import Service
from tests.talk import Talk

pytestmark = pytest.mark.anyio


async def test_what_was_heard_is_told_when_nothing_more_comes(shared_service: Service) -> None:
    async with connect(f"{shared_service.ws}/ws?topics=revocation") as socket:
        talk = Talk(socket)
        assert (await talk.hear())["type"] == "subscribed"

        talk.seconds = 0.2
        with pytest.raises(AssertionError, match=r'no further message in 0.2 s.*\n{"type":"subscr'):
            await talk.hear()
        with pytest.raises(AssertionError, match="no end of the connection"):
            await talk.closed()


async def test_nothing_was_heard(shared_service: Service) -> None:
    async with connect(f"{shared_service.ws}/ws") as socket:
        with pytest.raises(AssertionError, match=r"nothing$"):
            await Talk(socket, seconds=0.2).hear()
