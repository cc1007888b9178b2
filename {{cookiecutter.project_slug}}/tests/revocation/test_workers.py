"""A revocation holds at every node: whoever is connected elsewhere is closed, too."""

import asyncio
import sys
from collections.abc import Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import httpx
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidStatus

from tests.access.keys import SECRET, signed
from tests.talk import Talk
from tests.workers import Workers

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="several workers need Linux"),
]

CLIENTS = 16  # that all come to one of three workers has odds of 1 to 3**15
REVOKED = 4503
SECONDS = 20


@pytest.fixture
def workers(tmp_path: Path) -> Iterator[Workers]:
    """Three of them, as in production."""
    running = Workers(tmp_path, 3, APP_ENV="production", APP_JWT_SECRET=SECRET).start()
    yield running
    running.end()


def connected(workers: Workers, token: str) -> connect:
    return connect(f"{workers.ws}/ws", additional_headers={"Authorization": f"Bearer {token}"})


async def test_whoever_is_revoked_at_one_worker_is_closed_and_refused_at_all(
    workers: Workers,
) -> None:
    alice, olga = signed(), signed(sub="olga", role="operator")
    before = workers.sockets()
    async with asyncio.timeout(SECONDS), AsyncExitStack() as opened:
        clients: list[ClientConnection] = [
            await opened.enter_async_context(connected(workers, alice)) for _ in range(CLIENTS)
        ]
        spread = [now - then for now, then in zip(workers.sockets(), before, strict=True)]
        operator = await opened.enter_async_context(connected(workers, olga))
        await Talk(operator).command({"RevokeTokens": {"user_id": "alice"}})

        assert [await Talk(client).closed() for client in clients] == [REVOKED] * CLIENTS
        assert sum(count > 0 for count in spread) > 1
        for _ in range(CLIENTS):
            with pytest.raises(InvalidStatus) as refused:
                await connected(workers, alice)
            assert refused.value.response.status_code == 401
            headers = {"Authorization": f"Bearer {alice}"}
            answer = httpx.get(f"{workers.url}/api/v1/snapshot", headers=headers)  # noqa: ASYNC210
            assert answer.status_code == 401
