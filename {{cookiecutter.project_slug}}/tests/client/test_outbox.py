"""The Python client's commands while they wait: how many are said, in which order, how often."""

import asyncio
import json

import pytest

from app.client import Ack, CommandError
from app.client.outbox import Outbox

pytestmark = pytest.mark.anyio

SOON = 0.05


class Talk:
    """An outbox, and a connection that the test holds in its hands."""

    def __init__(self, *, in_flight: int = 32, tries: int = 3) -> None:
        self.outbox = Outbox(100, in_flight=in_flight, tries=tries)
        self.said = asyncio.Queue[str]()
        self.connect()

    def connect(self) -> None:
        """There is another connection."""
        self.outbox.begin(lambda text: self.said.put_nowait(json.loads(text)["id"]))

    def send(self, *names: str) -> list[asyncio.Task[Ack]]:
        """Commands with these ids."""
        return [asyncio.create_task(self.outbox.send("Reset", name)) for name in names]

    async def hear(self, number: int) -> list[str]:
        """The next that are said, and no more than these."""
        async with asyncio.timeout(5):
            names = [await self.said.get() for _ in range(number)]
        await asyncio.sleep(0)
        assert self.said.empty()
        return names

    def acknowledge(self, *names: str) -> None:
        """They are done."""
        for name in names:
            self.outbox.settle({"type": "ack", "id": name, "seq": 1})

    def refuse(self, code: str, *names: str) -> None:
        """They are not, for the moment."""
        refusal = {"type": "error", "code": code, "message": "later", "retry_after": SOON}
        for name in names:
            self.outbox.settle({**refusal, "id": name})


async def answers(sending: list[asyncio.Task[Ack]]) -> list[Ack]:
    """What came of these commands."""
    async with asyncio.timeout(5):
        return await asyncio.gather(*sending)


async def test_a_few_are_under_way_and_the_next_is_said_when_one_is_answered() -> None:
    talk = Talk(in_flight=2)
    sending = talk.send("a", "b", "c", "d")

    assert await talk.hear(2) == ["a", "b"]
    talk.acknowledge("b")
    assert await talk.hear(1) == ["c"]
    sending[0].cancel()
    assert await talk.hear(1) == ["d"]
    talk.acknowledge("c", "d")

    assert await answers(sending[1:]) == [Ack(name, 1) for name in "bcd"]


@pytest.mark.parametrize("code", ["rate_limited", "unavailable"])
async def test_after_a_refusal_for_the_moment_all_wait_and_then_come_in_order(code: str) -> None:
    talk = Talk(in_flight=2)
    sending = talk.send("a", "b", "c")
    await talk.hear(2)
    talk.refuse(code, "b", "a")
    sending += talk.send("d")

    assert await talk.hear(0) == []
    assert await talk.hear(2) == ["a", "b"]
    talk.acknowledge("a", "b")
    assert await talk.hear(2) == ["c", "d"]
    talk.acknowledge("c", "d")
    assert len(await answers(sending)) == 4


async def test_a_connection_that_is_new_is_not_waited_for() -> None:
    talk = Talk()
    (sending,) = talk.send("a")
    await talk.hear(1)
    talk.refuse("unavailable", "a")
    talk.outbox.end()
    talk.connect()

    assert talk.said.get_nowait() == "a"
    talk.acknowledge("a")
    await answers([sending])


@pytest.mark.parametrize("code", ["rate_limited", "unavailable"])
async def test_a_refusal_for_the_moment_is_final_after_so_many(code: str) -> None:
    talk = Talk(tries=3)
    (sending,) = talk.send("a")
    for _ in range(3):
        await talk.hear(1)
        talk.refuse(code, "a")

    with pytest.raises(CommandError, match="later") as refused:
        await answers([sending])
    assert (refused.value.code, refused.value.retry_after) == (code, SOON)


@pytest.mark.parametrize("how", ["the connection was lost", "nobody knew"])
async def test_what_may_have_been_done_is_never_too_fast(how: str) -> None:
    talk = Talk(tries=2)
    (sending,) = talk.send("a")
    await talk.hear(1)
    if how == "nobody knew":
        talk.refuse("unavailable", "a")
    else:
        talk.outbox.end()
        talk.connect()
    for _ in range(5):
        await talk.hear(1)
        talk.refuse("rate_limited", "a")
    await talk.hear(1)
    talk.acknowledge("a")

    assert await answers([sending]) == [Ack("a", 1)]
