"""Who hears what: by topic, by principal, and only if it exists."""

import asyncio
import json
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidStatus

from tests.service import Service

pytestmark = pytest.mark.anyio

ITEM = {"product_id": "tea", "name": "Tea", "quantity": 2, "unit_price_cents": 450}


async def names(ws: ClientConnection, number: int) -> list[str]:
    """The next so many events, by name."""
    return [next(iter(json.loads(await ws.recv())["action"])) for _ in range(number)]


async def shop(service: Service) -> None:
    """Stock tea, and have two customers order it."""
    async with httpx.AsyncClient(base_url=f"{service.url}/api/v1") as client:
        await client.post("/inventory/tea/stock", json={"quantity": 10})
        for customer in "ada", "bob":
            order = {"customer_id": customer, "items": [ITEM]}
            assert (await client.post("/orders", json=order)).status_code == 201


async def test_a_client_hears_the_topics_that_it_names_and_no_other(service: Service) -> None:
    async with (
        connect(f"{service.ws}/ws?topics=inventory") as stock,
        connect(f"{service.ws}/ws?topics=orders:bob,inventory") as bob,
    ):
        for client in stock, bob:
            assert json.loads(await client.recv())["type"] == "subscribed"
        await shop(service)

        assert await names(stock, 3) == ["InventoryUpdated"] * 3
        heard = await names(bob, 6)
    assert [name for name in heard if name != "InventoryUpdated"] == [
        "OrderPlaced",
        "StockReserved",
        "OrderProcessing",
    ]


async def test_a_customer_hears_their_own_orders_whatever_they_name(service: Service) -> None:
    async with (
        connect(f"{service.ws}/ws?user=ada&topics=orders") as named,
        connect(f"{service.ws}/ws?user=ada") as unnamed,
    ):
        subscribed = json.loads(await named.recv())
        assert (subscribed["topics"], "denied" in subscribed) == (["orders"], False)
        await shop(service)
        messages: list[Any] = [json.loads(await named.recv()) for _ in range(3)]
        await named.send('{"type":"ping"}')

        assert json.loads(await named.recv()) == {"type": "pong"}, "and nothing of bob's"
        await names(unnamed, 6)
    customers = {next(iter(message["action"].values()))["customer_id"] for message in messages}
    assert customers == {"ada"}


@pytest.mark.parametrize(
    "name", ["auth0|5f7c", "alice@example.com", "Zoë Ünal", "a,b", "a:b", "a/b?c#d", "x" * 64]
)
async def test_whatever_an_issuer_calls_a_customer_they_order_hear_of_it_and_read_it(
    shared_service: Service, name: str
) -> None:
    user = urlencode({"user": name})
    url = f"{shared_service.url}/api/v1"
    async with (
        asyncio.timeout(10),
        httpx.AsyncClient(base_url=url) as http,
        connect(f"{shared_service.ws}/ws?{user}") as ws,
    ):
        topics = [f"orders:{name}"]
        await ws.send(json.dumps({"type": "subscribe", "topics": topics}))
        subscribed = json.loads(await ws.recv())

        order = {"customer_id": name, "items": [ITEM]}
        placed = await http.post(f"/orders?{user}", json=order)
        assert placed.status_code == 201, placed.text
        heard = json.loads(await ws.recv())
        listed = (await http.get(f"/orders?{user}")).json()
        shown = (await http.get(f"/snapshot?topics=orders&{user}")).json()

    assert subscribed["topics"] == topics
    assert heard["action"]["OrderPlaced"]["customer_id"] == name
    for orders in listed["items"], shown["state"]["orders"]:
        assert [each["customer_id"] for each in orders] == [name]


@pytest.mark.parametrize("name", ["", "x" * 65, "a\nb", 7])
async def test_what_no_issuer_calls_a_customer_is_refused(
    shared_service: Service, name: object
) -> None:
    async with httpx.AsyncClient(base_url=f"{shared_service.url}/api/v1") as http:
        answer = await http.post("/orders", json={"customer_id": name, "items": [ITEM]})

    assert (answer.status_code, answer.json()["code"]) == (422, "invalid")
    assert [each["loc"] for each in answer.json()["fields"]] == ["customer_id"]


@pytest.mark.parametrize(
    ("query", "words"),
    [("topics=weather", "the topics are"), ("user=ada&role=king", "customer or operator")],
)
async def test_what_does_not_exist_is_refused_before_the_handshake(
    shared_service: Service, query: str, words: str
) -> None:
    with pytest.raises(InvalidStatus) as refused:
        await connect(f"{shared_service.ws}/ws?{query}")

    response = refused.value.response
    assert response.status_code == 422
    assert words in json.loads(response.body)["message"]
