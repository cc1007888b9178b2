"""The Python client's commands while they wait: how many are said, in which order, how often."""

import asyncio
import json
from typing import Any

import pytest

from app.client import Ack, CommandError, connect
from app.client.ending import LONGEST_WAIT
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


@pytest.mark.parametrize(
    ("action", "id"),
    [
        ({"RevokeTokens": {"user_id": "tea \ud83d"}}, "a"),
        ({"RevokeTokens": {"\udc00": ""}}, "a"),
        ({"RevokeTokens": {"user_id": float("nan")}}, "a"),
        ({"RevokeTokens": {"user_id": float("inf")}}, "a"),
        ("Reset", "\ud83d"),
        ("Reset", ""),
        ("Reset", "x" * 65),
        ("Reset", 5),
    ],
)
async def test_what_the_service_could_not_answer_is_refused_before_it_is_said(
    action: Any, id: Any
) -> None:
    talk = Talk()

    with pytest.raises(CommandError) as refused:
        await talk.outbox.send(action, id)

    assert (refused.value.code, refused.value.id) == ("invalid", id)
    assert await talk.hear(0) == []


async def test_an_empty_id_is_not_replaced_by_another() -> None:
    with pytest.raises(CommandError, match="1 to 64"):
        await connect("http://127.0.0.1:1").send("Reset", "")


async def test_whole_characters_are_said_and_as_many_of_an_id_as_the_service_reads() -> None:
    talk, name = Talk(), "🍵" * 64
    sending = asyncio.create_task(
        talk.outbox.send({"RevokeTokens": {"user_id": "🍵 \\ud83d"}}, name)
    )

    assert await talk.hear(1) == [name]
    talk.acknowledge(name)
    assert await answers([sending]) == [Ack(name, 1)]


async def test_an_id_that_waits_has_one_answer_and_is_refused_to_another_command() -> None:
    talk = Talk()
    sending = talk.send("a", "a")
    await talk.hear(1)

    with pytest.raises(CommandError) as refused:
        await talk.outbox.send("Other", "a")
    talk.acknowledge("a")

    assert (refused.value.code, refused.value.id) == ("id_reused", "a")
    assert await answers(sending) == [Ack("a", 1)] * 2


async def test_of_two_that_wait_for_one_answer_the_second_stays_when_the_first_goes() -> None:
    talk = Talk()
    first, second = talk.send("a", "a")
    await talk.hear(1)
    first.cancel()

    assert await talk.hear(1) == ["a"]
    talk.acknowledge("a")
    assert await answers([second]) == [Ack("a", 1)]


async def test_the_biggest_command_is_the_one_with_the_most_bytes() -> None:
    talk = Talk()
    texts = {"long": "x" * 60_000, "big": "茶" * 30_000}
    long, big = (
        asyncio.create_task(talk.outbox.send({"RevokeTokens": {"user_id": text}}, name))
        for name, text in texts.items()
    )
    await talk.hear(2)
    talk.outbox.end(is_too_big=True)

    with pytest.raises(CommandError, match="too many bytes"):
        await answers([big])
    talk.acknowledge("long")
    assert await answers([long]) == [Ack("long", 1)]


async def test_the_service_may_say_to_wait_for_very_long_but_not_for_ever() -> None:
    talk = Talk()
    (sending,) = talk.send("a")
    await talk.hear(1)
    talk.outbox.settle(
        {"type": "error", "code": "unavailable", "message": "", "id": "a", "retry_after": 1e20}
    )

    assert talk.outbox._pause is not None
    assert talk.outbox._pause.when() <= asyncio.get_running_loop().time() + LONGEST_WAIT
    sending.cancel()
