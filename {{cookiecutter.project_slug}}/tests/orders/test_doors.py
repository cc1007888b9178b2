"""Orders at both doors of the real service: the same rules, the same words, the same order."""

import asyncio
import json
from pathlib import Path
from statistics import median
from time import monotonic
from typing import Any

import httpx
import pytest
from websockets.asyncio.client import ClientConnection, connect

from app.bootstrap import create_app
from app.settings import Env
from tests.access.keys import SECRET, settings_of
from tests.live.figures import figure
from tests.live.raw import upgraded
from tests.live.transport.peer import connected
from tests.service import Service

pytestmark = pytest.mark.anyio

WIDGET = {"product_id": "prod-1", "name": "Widget", "quantity": 2, "unit_price_cents": 1999}
ORDER = {"customer_id": "cust-123", "items": [WIDGET]}
GET = b"GET /api/v1/orders/%b HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"  # as little work as can be


async def hear(ws: ClientConnection) -> Any:
    return json.loads(await asyncio.wait_for(ws.recv(), 10))


async def command(ws: ClientConnection, action: object, **extra: str) -> None:
    await ws.send(json.dumps({"type": "command", "action": action, **extra}))


async def test_a_command_by_socket_is_an_event_to_all_and_an_ack_to_its_sender(
    service: Service,
) -> None:
    async with connect(f"{service.ws}/ws") as ws, connect(f"{service.ws}/api/v1/ws") as other:
        await command(ws, {"PlaceOrder": ORDER}, id="mine")
        mine = [await hear(ws) for _ in range(4)]
        others = [await hear(other) for _ in range(3)]

    placed = mine[0]
    fields = placed["action"]["OrderPlaced"]
    assert placed["type"] == "event"
    assert (placed["seq"], placed["cause"]) == (1, "mine")
    assert (fields["status"], fields["total_cents"]) == ("pending", 3998)
    assert mine[1] == {"type": "ack", "id": "mine", "seq": 1}
    assert others == [placed, *mine[2:]]
    assert [*others[1]["action"], *others[2]["action"]] == ["StockReserved", "OrderProcessing"]
    assert {event["cause"] for event in others} == {"mine"}


async def test_whoever_hears_an_event_can_read_its_effect_at_once(service: Service) -> None:
    async with connect(f"{service.ws}/ws") as ws, connected(service.port) as http:
        for _ in range(1000):
            await command(ws, {"PlaceOrder": ORDER})
            event = await hear(ws)
            while "OrderPlaced" not in event["action"]:
                event = await hear(ws)
            order_id = event["action"]["OrderPlaced"]["order_id"]

            await http.send(GET % order_id.encode())

            head = await http.head()
            assert head.startswith(b"HTTP/1.1 200 "), head
            size = head.lower().split(b"content-length: ")[1].split()[0]
            await http.reader.readexactly(int(size))


async def test_two_sockets_and_http_see_the_same_events_in_the_same_order(
    service: Service,
) -> None:
    async with (
        connect(f"{service.ws}/ws") as one,
        connect(f"{service.ws}/ws") as two,
        httpx.AsyncClient(base_url=service.url, timeout=30) as client,
    ):
        calls = [client.post("/api/v1/orders", json=ORDER) for _ in range(25)]
        for _ in range(25):
            await command(two, {"PlaceOrder": ORDER})
        answers = await asyncio.gather(*calls)
        first = [await hear(one) for _ in range(150)]
        second = [await hear(two) for _ in range(150)]
        page = (await client.get("/api/v1/orders", params={"limit": 1000})).json()

    assert first == second
    assert [event["seq"] for event in first] == list(range(1, 151))
    placed = [e["action"]["OrderPlaced"]["order_id"] for e in first if "OrderPlaced" in e["action"]]
    assert [order["order_id"] for order in page["items"]] == placed
    assert {answer.json()["order_id"] for answer in answers} <= set(placed)


@pytest.mark.slow
async def test_a_thousand_different_orders_can_all_be_read(service: Service) -> None:
    async with httpx.AsyncClient(base_url=service.url, timeout=60) as client:
        gate = asyncio.Semaphore(50)

        async def place(number: int) -> str:
            async with gate:
                order = {**ORDER, "customer_id": f"cust-{number}"}
                answer = await client.post("/api/v1/orders", json=order)
                assert answer.status_code == 201
                return str(answer.json()["order_id"])

        ids = await asyncio.gather(*(place(number) for number in range(1000)))
        pages: list[Any] = []
        after: int | None = 0
        while after is not None:
            url = f"/api/v1/orders?limit=300&after={after}"
            page = (await client.get(url)).json()
            pages += page["items"]
            after = page["next"]

    assert len(set(ids)) == 1000
    assert {order["order_id"] for order in pages} == set(ids)
    assert len(pages) == 1000


async def test_of_big_orders_fewer_are_on_a_page_and_none_is_left_out(
    http: httpx.AsyncClient,
) -> None:
    big = {**ORDER, "items": [WIDGET] * 100}
    placed = [(await http.post("/api/v1/orders", json=big)).json()["order_id"] for _ in range(60)]

    first = (await http.get("/api/v1/orders?limit=1000")).json()
    second = (await http.get(f"/api/v1/orders?limit=1000&after={first['next']}")).json()

    assert (len(first["items"]), second["next"]) == (50, None)
    assert [order["order_id"] for order in first["items"] + second["items"]] == placed


async def test_a_placed_order_is_answered_with_its_address_and_its_tag(
    http: httpx.AsyncClient,
) -> None:
    answer = await http.post("/api/v1/orders", json=ORDER)
    order = answer.json()
    location, tag = answer.headers["location"], answer.headers["etag"]
    read = await http.get(location)
    again = await http.get(location, headers={"If-None-Match": read.headers["etag"]})

    assert answer.status_code == 201
    assert location == f"/api/v1/orders/{order['order_id']}"
    assert (order["status"], order["total_cents"]) == ("pending", 3998)
    assert tag.startswith('"')
    assert read.json()["order_id"] == order["order_id"]
    assert read.headers["cache-control"] == "private, no-cache"
    assert (again.status_code, again.content) == (304, b"")


async def test_an_order_is_found_at_its_address_and_sent_once_on_one_connection(
    shared_service: Service,
) -> None:
    """With nothing after the head of a 304: the next answer would begin with it."""
    async with httpx.AsyncClient(base_url=shared_service.url) as client:
        placed = await client.post("/api/v1/orders", json=ORDER)
        url, headers = placed.headers["location"], {"If-None-Match": '"another"'}
        read = again = await client.get(url, headers=headers)
        async with asyncio.timeout(30):
            while again.status_code == 200:  # until all has happened that comes of the order
                read = again
                again = await client.get(url, headers={"If-None-Match": read.headers["etag"]})
        other = await client.get(url, headers=headers)
        connections = {answer.extensions["network_stream"] for answer in (placed, again, other)}

    assert (placed.status_code, read.status_code) == (201, 200)
    assert read.json()["order_id"] == placed.json()["order_id"]
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["etag"] == read.headers["etag"]
    assert (other.status_code, other.json()["order_id"]) == (200, placed.json()["order_id"])
    assert len(connections) == 1


async def test_a_tag_changes_with_the_order(http: httpx.AsyncClient) -> None:
    location = (await http.post("/api/v1/orders", json=ORDER)).headers["location"]
    tag = (await http.get(location)).headers["etag"]

    await http.post(f"{location}/cancel", json={"reason": "no"})
    after = await http.get(location, headers={"If-None-Match": tag})

    assert after.status_code == 200
    assert after.json()["status"] == "cancelled"


async def test_orders_are_shipped_and_cancelled_over_http(http: httpx.AsyncClient) -> None:
    order = {**ORDER, "order_id": "o1"}
    assert (await http.post("/api/v1/orders", json=order)).status_code == 201
    async with asyncio.timeout(10):
        while (await http.get("/api/v1/orders/o1")).json()["status"] == "pending":  # noqa: ASYNC110
            await asyncio.sleep(0)

    shipped = await http.post("/api/v1/orders/o1/ship", json={"tracking_number": "t"})
    twice = await http.post("/api/v1/orders/o1/ship", json={"tracking_number": "t"})
    late = await http.post("/api/v1/orders/o1/cancel", json={"reason": "r"})
    nowhere = await http.post("/api/v1/orders/o2/cancel", json={"reason": "r"})
    empty = await http.post("/api/v1/orders/o1/cancel", json={})
    unsent = await http.post("/api/v1/orders/o1/cancel")

    assert (shipped.status_code, shipped.json()["status"]) == (200, "shipped")
    assert [twice.status_code, late.status_code] == [409, 409]
    assert late.json()["message"] == "order o1 is shipped, not pending or processing"
    assert (nowhere.status_code, nowhere.json()["code"]) == (404, "not_found")
    assert empty.json()["message"] == "Invalid action format: missing required field 'reason'"
    assert (unsent.status_code, unsent.json()["code"]) == (422, "invalid")


async def test_an_order_that_is_placed_and_cancelled_twice_under_one_id_is_answered_each_time(
    http: httpx.AsyncClient,
) -> None:
    url = "/api/v1/orders"
    order = {**ORDER, "order_id": "o1"}
    placed = await http.post(url, json=order, headers={"Idempotency-Key": "place"})
    cancelled, once_more = [
        await http.post(f"{url}/o1/cancel", json={"reason": "r"}, headers={"Idempotency-Key": "no"})
        for _ in range(2)
    ]

    again = await http.post(url, json=order, headers={"Idempotency-Key": "place"})

    assert (again.json(), again.headers["ETag"]) == (placed.json(), placed.headers["ETag"])
    assert again.json()["status"] == "pending", "as it was placed"
    assert once_more.json() == cancelled.json()
    assert ("ETag" in cancelled.headers, "ETag" in once_more.headers) == (True, False)


BAD_ORDERS: list[Any] = [
    {"items": [WIDGET]},
    {"customer_id": "c", "items": []},
    {"customer_id": "c", "items": [{**WIDGET, "quantity": 0}]},
    {"customer_id": "c", "items": [{**WIDGET, "quantity": "2"}]},
    {"customer_id": "c", "items": [{**WIDGET, "quantity": 10**30}]},
    {"customer_id": "c", "items": [{**WIDGET, "unit_price_cents": -1}]},
    {"customer_id": "c", "items": [{"product_id": "p"}]},
    {"customer_id": "a\nb", "items": [WIDGET]},
    {"customer_id": "c", "items": [WIDGET], "order_id": "../x"},
    {"customer_id": "c", "items": [WIDGET], "discount": 5},
    {"customer_id": "c", "items": [WIDGET] * 101},
    {"customer_id": "c", "items": 5},
    {"customer_id": "c", "items": [5]},
    [],
    "PlaceOrder",
]


@pytest.mark.parametrize("order", BAD_ORDERS, ids=range(len(BAD_ORDERS)))
async def test_a_bad_order_is_refused_in_the_same_words_at_every_door(
    shared_service: Service, order: Any
) -> None:
    async with (
        connect(f"{shared_service.ws}/ws") as ws,
        httpx.AsyncClient(base_url=shared_service.url) as client,
    ):
        await command(ws, {"PlaceOrder": order})
        error = await hear(ws)
        posted = await client.post("/api/v1/orders", json=order)
        commanded = await client.post("/api/v1/commands", json={"PlaceOrder": order})

    assert error["code"] == "invalid"
    assert posted.status_code == commanded.status_code == 422
    assert posted.json() == commanded.json() == error


async def test_a_rule_refuses_in_the_same_words_at_every_door(shared_service: Service) -> None:
    ship = {"order_id": "none", "tracking_number": "t"}
    async with (
        connect(f"{shared_service.ws}/ws") as ws,
        connect(f"{shared_service.ws}/ws") as other,
        httpx.AsyncClient(base_url=shared_service.url) as client,
    ):
        await command(ws, {"ShipOrder": ship}, id="a")
        error = await hear(ws)
        posted = await client.post("/api/v1/orders/none/ship", json={"tracking_number": "t"})
        commanded = await client.post("/api/v1/commands", json={"ShipOrder": ship})
        await other.send('{"type":"ping"}')

        assert error.pop("id") == "a"
        assert error == posted.json() == commanded.json()
        assert (error["code"], error["message"]) == ("not_found", "order none does not exist")
        assert await hear(other) == {"type": "pong"}, "a refusal is its sender's alone"


@pytest.mark.parametrize(
    ("deed", "name", "fields"),
    [
        ("ship", "ShipOrder", {"tracking_number": "T1"}),
        ("cancel", "CancelOrder", {"reason": "no"}),
    ],
)
async def test_what_is_no_id_is_invalid_in_an_address_as_in_a_command(
    http: httpx.AsyncClient, deed: str, name: str, fields: Any
) -> None:
    by_address = await http.post(f"/api/v1/orders/a%20b/{deed}", json=fields)
    by_command = await http.post("/api/v1/commands", json={name: {"order_id": "a b", **fields}})

    for answer in by_address, by_command:
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid")
    assert by_address.json()["fields"] == by_command.json()["fields"]


@pytest.mark.parametrize("name", ["OrderPlaced", "OrderShipped", "ConfirmOrder"])
async def test_nobody_can_send_an_event_or_a_command_of_the_service(
    shared_service: Service, name: str
) -> None:
    async with connect(f"{shared_service.ws}/ws") as ws:
        await command(ws, {name: {"order_id": "x"}})
        error = await hear(ws)

    assert error["code"] == "invalid"
    assert f"unknown action '{name}'" in error["message"]


async def seconds_until_heard(orders: int, *clients: ClientConnection) -> list[float]:
    """How long it takes, for each of so many orders, until all have heard what comes of it."""
    took = []
    for _ in range(orders):
        began = monotonic()
        await command(clients[0], {"PlaceOrder": {**ORDER, "items": [WIDGET] * 20}})
        heard = [[(await hear(client))["seq"] for _ in range(3)] for client in clients]
        took.append(monotonic() - began)
        assert heard == [[*range(heard[0][0], heard[0][0] + 3)]] * len(clients)
    return took


async def test_a_client_that_reads_nothing_holds_nobody_up(tmp_path: Path) -> None:
    """While it is there and takes nothing, others hear everything, and not later than without it.

    How late is in proportion: a busy machine is slow both times.
    """
    service = Service(tmp_path, APP_SEND_BUFFER_BYTES="1000000000").start()
    try:
        async with connect(f"{service.ws}/ws") as ws, connect(f"{service.ws}/ws") as other:
            without = await seconds_until_heard(100, ws, other)
            with upgraded(service.port, takes=4096):
                while not await figure(service, "app_slow_clients"):
                    await seconds_until_heard(20, ws, other)
                beside = await seconds_until_heard(100, ws, other)
                slow = await figure(service, "app_slow_clients")
                here = await figure(service, "app_connections")
    finally:
        service.kill()

    assert (slow, here) == (1, 3)
    assert median(beside) < 5 * median(without) + 0.1


async def test_commands_of_one_socket_are_decided_in_the_order_of_their_arrival(
    service: Service,
) -> None:
    async with connect(f"{service.ws}/ws") as ws:
        for number in range(200):
            await command(ws, {"PlaceOrder": {**ORDER, "order_id": f"o{number}"}})
        heard = [await hear(ws) for _ in range(600)]

    placed = [e["action"]["OrderPlaced"]["order_id"] for e in heard if "OrderPlaced" in e["action"]]
    assert placed == [f"o{number}" for number in range(200)]


async def test_the_body_of_a_command_has_one_schema_at_every_door(http: httpx.AsyncClient) -> None:
    from app.wire.protocol import Command

    openapi = (await http.get("/openapi.json")).json()
    body = openapi["paths"]["/api/v1/commands"]["post"]["requestBody"]
    by_http = body["content"]["application/json"]["schema"]
    by_socket = Command.model_json_schema(ref_template="#/components/schemas/{model}")

    assert by_http["oneOf"] == by_socket["properties"]["action"]["oneOf"]
    for name in ("PlaceOrder", "Item"):
        assert openapi["components"]["schemas"][name] == without_nulls(by_socket["$defs"][name])


def without_nulls(schema: Any) -> Any:
    """The schema as OpenAPI writes it: a default of null is left out."""
    if isinstance(schema, dict):
        return {key: without_nulls(value) for key, value in schema.items() if value is not None}
    return schema if not isinstance(schema, list) else [without_nulls(item) for item in schema]


async def test_in_production_nobody_unnamed_may_do_or_read_anything() -> None:
    app = create_app(settings_of(env=Env.PRODUCTION, jwt_secret=SECRET))
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(
            transport=httpx.ASGITransport(app), base_url="http://localhost"
        ) as client,
    ):
        refused = [
            await client.post("/api/v1/orders", json=ORDER),
            await client.post("/api/v1/commands", json={"PlaceOrder": ORDER}),
            await client.get("/api/v1/orders"),
            await client.get("/api/v1/inventory"),
            await client.get("/api/v1/snapshot?topics=orders"),
            await client.get("/api/v1/snapshot"),
        ]

    assert [answer.status_code for answer in refused] == [401] * 6
    assert {answer.json()["code"] for answer in refused} == {"unauthenticated"}
