"""Ports are opened before the service has anything to do, and closed when it has done all of it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest

from app.adapters.work import SimulatedWork
from app.bootstrap import create_app
from app.core.ports import Ports
from tests.access.keys import settings_of

pytestmark = pytest.mark.anyio

ORDER = {
    "customer_id": "ada",
    "order_id": "o1",
    "items": [{"product_id": "p", "name": "Thing", "quantity": 1, "unit_price_cents": 100}],
}


async def test_a_port_is_closed_after_the_letter_that_was_under_way_at_the_stop() -> None:
    happened: list[str] = []
    begun = asyncio.Event()

    class Mail:
        """A letter takes until the Store is to stop."""

        async def send(self, to: str, subject: str, text: str, *, key: str) -> None:
            """Say when it is sent."""
            begun.set()
            while app.state.store.is_open:  # noqa: ASYNC110 - the Store tells nobody
                await asyncio.sleep(0)
            await asyncio.sleep(0)
            happened.append("sent")

    @asynccontextmanager
    async def opened() -> AsyncIterator[Ports]:
        happened.append("opened")
        yield Ports(mail=Mail(), work=SimulatedWork())
        happened.append("closed")

    app = create_app(settings_of(), opened)
    async with (
        asyncio.timeout(10),
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://localhost") as http,
    ):
        await http.post("/api/v1/orders", json=ORDER)
        while (await http.get("/api/v1/orders/o1")).json()["status"] == "pending":  # noqa: ASYNC110
            await asyncio.sleep(0)
        await http.post("/api/v1/orders/o1/ship", json={"tracking_number": "track-1"})
        await begun.wait()

    assert happened == ["opened", "sent", "closed"]
