"""Cut off at random moments, each client hears all that is its own, and nothing of others'."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest

from tests.live.follower import Follower, cut_again_and_again
from tests.live.speaker import Speaker
from tests.service import Service

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

ORDERS = 400
PER_SECOND = 100
SEED = 5
ITEM = {"product_id": "tea", "name": "Tea", "quantity": 1, "unit_price_cents": 100}


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    """A service that keeps so little in memory that who is away for long needs the log."""
    running = Service(tmp_path, APP_RING_EVENTS="16").start()
    yield running
    running.kill()


def placed(number: int) -> object:
    """An order of one of three customers."""
    customer = ("ada", "bob", "cyd")[number % 3]
    order = {"customer_id": customer, "items": [ITEM], "order_id": f"{customer}-{number}"}
    return {"PlaceOrder": order}


def of(customer: str, events: list[tuple[int, Any]]) -> list[tuple[int, Any]]:
    """The events of the customer's orders among all."""
    return [
        (seq, action)
        for seq, action in events
        for fields in action.values()
        if fields.get("order_id", "").startswith(f"{customer}-")
    ]


async def everything(service: Service) -> list[tuple[int, Any]]:
    """All that has happened, as soon as every order is processing."""
    async with asyncio.timeout(30):
        async with Follower(service) as witness:
            await witness.connect()
            while sum("OrderProcessing" in action for _, action in witness.heard) < ORDERS:
                await witness.reached(witness.seq + 1)
            return witness.heard


async def test_customers_hear_their_own_orders_and_whoever_names_a_topic_hears_that(
    service: Service,
) -> None:
    ada = Follower(service, user="ada", topics="orders")
    bob = Follower(service, user="bob", topics="orders")
    operator = Follower(service, topics="orders:cyd")
    chance = Random(SEED)  # noqa: S311 - the same moments each time
    speaking = asyncio.create_task(Speaker(service).speak(map(placed, range(ORDERS)), PER_SECOND))
    async with ada, bob, operator:
        clients = (ada, bob, operator)
        await asyncio.gather(*(cut_again_and_again(client, 50, chance) for client in clients))
        await speaking
        happened = await everything(service)
        for client, name in (ada, "ada"), (bob, "bob"), (operator, "cyd"):
            await client.connect()
            await client.reached(of(name, happened)[-1][0])

    assert ada.heard == of("ada", happened), f"seed {SEED}"
    assert bob.heard == of("bob", happened), f"seed {SEED}"
    assert operator.heard == of("cyd", happened), f"seed {SEED}"
    assert ada.failures + bob.failures + operator.failures == []
