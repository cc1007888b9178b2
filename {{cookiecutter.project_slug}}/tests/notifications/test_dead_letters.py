"""Letters: each under a key of its own; one that cannot be sent waits for an operator."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest

from app.adapters.work import SimulatedWork
from app.bootstrap import create_app
from app.core.ports import Ports
from app.settings import Settings

pytestmark = pytest.mark.anyio

URL = "/api/v1/dead-letters"
ITEM = {"product_id": "prod-1", "name": "Widget", "quantity": 2, "unit_price_cents": 1999}


@dataclass
class Mail:
    """Behind the port: refuses every letter until it is mended."""

    is_broken: bool = True
    sent: list[str] = field(default_factory=list)

    async def send(self, to: str, subject: str, text: str, *, key: str) -> None:
        """Refuse the letter, or note its key."""
        if self.is_broken:
            raise ValueError(f"no such address: {to}")
        self.sent.append(key)


async def until(http: httpx.AsyncClient, url: str, is_so: Callable[[Any], object]) -> Any:
    """What is read there, as soon as it is so."""
    async with asyncio.timeout(10):
        while True:
            read = (await http.get(url)).json()
            if is_so(read):
                return read
            await asyncio.sleep(0)  # a request that waits for nothing lets nobody else have a turn


@asynccontextmanager
async def shipping(mail: Mail, customer_id: str) -> AsyncIterator[httpx.AsyncClient]:
    """A service with a log of its own, where the customer's order has just been shipped."""
    settings = Settings(event_log="memory://", _env_file=None)  # type: ignore[call-arg]
    app = create_app(settings, lambda: nullcontext(Ports(mail=mail, work=SimulatedWork())))
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://localhost") as http,
    ):
        order = {"customer_id": customer_id, "order_id": "o1", "items": [ITEM]}
        await http.post("/api/v1/orders", json=order)
        await until(http, "/api/v1/orders/o1", lambda order: order["status"] == "processing")
        await http.post("/api/v1/orders/o1/ship", json={"tracking_number": "track-1"})
        yield http


async def test_a_letter_that_cannot_be_sent_is_retried_by_an_operator() -> None:
    mail = Mail()

    async with shipping(mail, "ada") as http:
        (letter,) = (await until(http, URL, lambda page: page["items"]))["items"]
        mail.is_broken = False
        retried = await http.post(f"{URL}/{letter['origin']}/retry")
        left = await until(http, URL, lambda page: mail.sent)

    assert letter["effect"]["Run"]["task"]["SendMail"]["user_id"] == "ada"
    assert letter["problem"] == "ValueError: no such address: ada"
    assert letter["attempts"] == 1
    assert retried.status_code == 204
    assert mail.sent == [letter["effect"]["Run"]["task"]["SendMail"]["notification_id"]]
    assert left["items"] == []


async def test_another_log_has_the_same_positions_and_no_letter_of_it_the_same_key() -> None:
    first, other = Mail(is_broken=False), Mail(is_broken=False)

    async with shipping(first, "ada") as http:
        await until(http, URL, lambda _: first.sent)
    async with shipping(other, "bob") as http:
        await until(http, URL, lambda _: other.sent)

    assert first.sent != other.sent, "the mail service would take bob's for ada's again"
