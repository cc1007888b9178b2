"""What one client is answered: after what it has to hear first, and before it is sent away."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import NamedTuple, cast

import orjson
import pytest

from app.access.store import AppStore
from app.adapters import open_ports
from app.bootstrap import rules
from app.core.principal import Principal, Role
from app.core.rejected import Code, Rejected
from app.domain.revocation.actions import RevokeTokens
from app.live.hearing import Hearing
from app.live.hub import Hub
from app.live.message import Message, Outgoing
from app.live.past import Page, Past
from app.live.port import HIGH_WATER_BYTES, Connection
from app.live.recent import Recent
from app.observe.connections import Tally
from app.observe.metrics import Metrics
from app.runtime.event_log.memory import MemoryLog
from app.runtime.store import open_store
from app.settings import Settings
from app.wire.protocol import Subscribe

pytestmark = pytest.mark.anyio

OLGA = Principal("olga", Role.OPERATOR)
ACK = Message(b'{"type":"ack"}')
EVENTS = 3


@pytest.fixture(autouse=True)
def one_event_a_piece(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that a client can be stuck between two of them."""
    monkeypatch.setattr("app.live.message.BUNDLE_BYTES", 1)


class Client:
    """Takes what it is told only as long as it does not have to catch up."""

    buffered = HIGH_WATER_BYTES + 1

    def __init__(self) -> None:
        self.said: list[str] = []

    def write(self, message: Outgoing) -> None:
        """Keep the positions of events, and of anything else what it is."""
        told = [orjson.loads(part.json) for part in message.parts]
        self.said += [str(each.get("seq")) if "action" in each else each["type"] for each in told]

    def close(self, code: int, reason: str = "") -> None:
        """It is sent away."""
        self.said.append("goodbye")


class Watched(Client):
    """Takes everything at once; `turns` are those of the event loop in which it was told events."""

    buffered = 0

    def __init__(self, now: Callable[[], int]) -> None:
        super().__init__()
        self.turns: set[int] = set()
        self._now = now

    def write(self, message: Outgoing) -> None:
        """Note when."""
        super().write(message)
        if message.parts[0].type == "event":
            self.turns.add(self._now())


class Stage(NamedTuple):
    """A client, and another one that hears everything: so something waits to be told."""

    store: AppStore
    client: Client
    hearing: Hearing
    another: Callable[[Client], Hearing]

    def resume(self, since: int) -> None:
        """Come back after this position."""
        asked = Subscribe(type="subscribe", since=since, epoch=self.store.epoch)
        self.hearing.listen(OLGA, asked)

    def goodbye(self) -> None:
        """Send it away."""
        self.hearing.stop()
        self.client.said.append("goodbye")


@asynccontextmanager
async def stage() -> AsyncIterator[Stage]:
    async with open_ports() as ports, open_store(MemoryLog(), rules(Settings()), ports) as store:
        hub, tally = Hub(Recent(100, 0), Metrics()), Tally(Metrics())
        store.listeners.append(hub.broadcast)
        client, other = Client(), Client()
        for number in range(EVENTS):
            await store.dispatch(RevokeTokens(str(number)), by=OLGA)
        past = Past(store)

        def hearing(client: Client) -> Hearing:
            return Hearing(cast(Connection, client), store, past, hub, tally, 100)

        hearing(other).listen_to_all(OLGA)
        yield Stage(store, client, hearing(client), hearing)


@asynccontextmanager
async def counted_turns() -> AsyncIterator[Callable[[], int]]:
    """The number of the event loop's turn, whenever it is asked."""
    turns = 0

    async def count() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    counting = asyncio.create_task(count())
    try:
        yield lambda: turns
    finally:
        counting.cancel()


async def until(claim: Callable[[], object]) -> None:
    async with asyncio.timeout(5):
        while not claim():  # noqa: ASYNC110 - each claim is about something else
            await asyncio.sleep(0.01)


async def test_whoever_is_sent_away_while_it_catches_up_is_answered_before() -> None:
    async with stage() as on:
        on.resume(since=0)
        await until(lambda: "1" in on.client.said)
        on.hearing.answer(ACK)
        await on.store.submit(RevokeTokens("x"), by=OLGA, then=lambda _: on.goodbye())

        assert on.client.said == ["subscribed", "1", "ack", "goodbye"]


@pytest.mark.parametrize("fault", [Rejected(Code.UNAVAILABLE, "away"), ZeroDivisionError()])
async def test_whoever_cannot_be_told_what_it_missed_is_answered_before_it_is_sent_away(
    fault: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def after(past: Past, position: int) -> None:
        raise fault

    monkeypatch.setattr(Past, "after", after)
    async with stage() as on:
        on.resume(since=0)
        await until(lambda: "1" in on.client.said)
        on.hearing.answer(ACK)
        monkeypatch.setattr(Recent, "after", lambda recent, seq: None)
        await on.store.dispatch(RevokeTokens("x"), by=OLGA)
        on.client.buffered = 0
        on.hearing.writable()
        await until(lambda: "goodbye" in on.client.said)

        assert on.client.said == ["subscribed", "1", "2", "3", "ack", "goodbye"]


async def test_whoever_hears_nothing_is_answered_before_it_is_sent_away() -> None:
    async with stage() as on:

        def then(_: object) -> None:
            on.hearing.answer(ACK)
            on.goodbye()

        await on.store.submit(RevokeTokens("x"), by=OLGA, then=then)

        assert on.client.said == ["ack", "goodbye"]


async def test_what_is_held_waits_also_for_what_another_subscription_catches_up_with() -> None:
    async with stage() as on:
        on.resume(since=0)
        await until(lambda: "1" in on.client.said)
        on.hearing.answer(ACK)  # of the command that led to the last event
        on.resume(since=1)
        on.client.buffered = 0
        await until(lambda: "ack" in on.client.said)

        assert on.client.said == ["subscribed", "1", "subscribed", "2", "3", "ack"]


async def test_what_is_held_is_said_when_there_is_nothing_more_to_catch_up_with() -> None:
    async with stage() as on:
        on.resume(since=0)
        await until(lambda: "1" in on.client.said)
        on.hearing.answer(ACK)
        on.resume(since=EVENTS)

        assert on.client.said == ["subscribed", "1", "subscribed", "ack"]


async def test_of_many_that_come_back_no_two_are_told_a_page_in_one_turn_of_the_loop(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("app.live.hearing.PAGE_ENTRIES", 2)
    async with stage() as on, counted_turns() as now:
        clients = [Watched(now) for _ in range(20)]
        for client in clients:
            asked = Subscribe(type="subscribe", since=0, epoch=on.store.epoch)
            on.another(client).listen(OLGA, asked)
        await until(lambda: all("3" in client.said for client in clients))

    assert {tuple(client.said) for client in clients} == {("subscribed", "1", "2", "3")}
    assert [len(client.turns) for client in clients] == [2] * len(clients)
    assert len(set[int]().union(*(client.turns for client in clients))) == 2 * len(clients)


async def test_whoever_asks_for_too_much_while_it_catches_up_is_sent_away(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("app.live.hearing.HELD_ANSWERS", 2)
    async with stage() as on:
        on.resume(since=0)
        await until(lambda: "1" in on.client.said)
        on.hearing.answer(ACK)
        assert on.client.said == ["subscribed", "1"]
        on.hearing.answer(ACK)

        assert on.client.said == ["subscribed", "1", "goodbye"]


async def test_whoever_subscribes_anew_while_the_log_is_read_hears_each_event_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    gate, usual = asyncio.Event(), Past.after

    async def after(past: Past, position: int) -> Page:
        await gate.wait()
        return await usual(past, position)

    monkeypatch.setattr(Past, "after", after)
    monkeypatch.setattr(Recent, "after", lambda recent, seq: None)
    async with stage() as on:
        on.client.buffered = 0
        on.resume(since=0)
        await asyncio.sleep(0)  # it asks for the first events
        on.resume(since=1)
        gate.set()
        await on.store.dispatch(RevokeTokens("x"), by=OLGA)
        await until(lambda: "4" in on.client.said)

        assert on.client.said == ["subscribed", "subscribed", "2", "3", "4"]
