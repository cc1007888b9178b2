"""Stores of several nodes that share one log, on every engine that can be shared."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from dataclasses import replace
from itertools import count

import pytest

from app.core.effects import Delay, Durable, Run
from app.core.ports import Attempt
from app.core.rejected import Code, Rejected
from app.runtime import lease
from app.runtime.decision import Happened
from app.runtime.event_log.port import (
    ANNOUNCED_BYTES,
    AnswerLost,
    EventLog,
    LogUnavailable,
    TooLarge,
)
from tests.runtime.event_log.conftest import Node
from tests.runtime.tally import (
    ME,
    TALLY,
    WORK,
    Add,
    Added,
    Command,
    Event,
    Plan,
    Shout,
    Shouted,
    TallyStore,
    Work,
    decode,
    open_tally,
)

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

SECONDS = 20


@pytest.fixture(autouse=True)
def short_lease(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test waits six seconds for a node that is gone."""
    monkeypatch.setattr(lease, "LEASE_SECONDS", 1.0)


class Stage:
    """Stores on one log, what each has heard, and what tasks were performed."""

    def __init__(self, logs: list[EventLog], stores: list[TallyStore]) -> None:
        self.logs = logs
        self.stores = stores
        self.heard: list[list[Happened[Event]]] = [[] for _ in stores]
        for store, heard in zip(stores, self.heard, strict=True):
            store.listeners.append(heard.extend)

    def durable(self, number: int) -> list[tuple[int, Event]]:
        """The stored events that a node has told."""
        heard = self.heard[number]
        return [(each.seq, each.event) for each in heard if each.seq is not None]


@pytest.fixture
async def stage(node: Node) -> AsyncIterator[Stage]:
    """Two nodes."""
    async with AsyncExitStack() as opened:
        logs = [await node() for _ in range(2)]
        stores = [await opened.enter_async_context(open_tally(log)) for log in logs]
        yield Stage(logs, stores)


async def until(is_so: Callable[[], object]) -> None:
    """Return when it is so."""
    async with asyncio.timeout(SECONDS):
        while not is_so():  # noqa: ASYNC110 - it comes from another connection
            await asyncio.sleep(0.005)


def holders(stage: Stage) -> list[TallyStore]:
    """The nodes that perform effects now."""
    return [store for store in stage.stores if store.performs_effects]


async def test_what_any_node_decides_all_apply_and_tell_in_one_order(stage: Stage) -> None:
    first, second = stage.stores

    async def caller(store: TallyStore) -> None:
        for _ in range(5):
            await store.dispatch(Add(1), by=ME)

    await asyncio.gather(*(caller(store) for store in (first, second) for _ in range(5)))
    await until(lambda: first.state == second.state == 50)

    assert first.seq == second.seq == 50
    assert stage.durable(0) == stage.durable(1)
    assert [seq for seq, _ in stage.durable(0)] == list(range(1, 51))


async def test_a_node_that_does_nothing_hears_of_the_other(stage: Stage) -> None:
    await stage.stores[0].dispatch(Add(7), by=ME)
    await until(lambda: stage.stores[1].state == 7)

    assert stage.durable(1) == [(1, Added(7, 0, 7))]


async def test_an_id_is_the_same_at_every_node(stage: Stage) -> None:
    first, second = stage.stores
    then = await first.dispatch(Add(1), by=ME, id="x")
    again = await second.dispatch(Add(1), by=ME, id="x")
    with pytest.raises(Rejected) as refusal:
        await second.dispatch(Add(2), by=ME, id="x")

    assert (again.duplicate, again.seq, second.state) == (True, then.seq, 1)
    assert refusal.value.code is Code.ID_REUSED


async def test_what_passes_is_heard_at_the_other_node_too(stage: Stage) -> None:
    await stage.stores[0].dispatch(Shout("hey"), by=ME)
    await until(lambda: stage.heard[1])

    (happened,) = stage.heard[1]
    assert (happened.event, happened.seq) == (Shouted("hey"), None)
    assert [each.event for each in stage.heard[0]] == [Shouted("hey")]


async def test_what_passes_too_fast_is_slowed_down_at_every_node(node: Node) -> None:
    rules = replace(TALLY, intervals={"shouted": 0.5})
    async with AsyncExitStack() as opened:
        logs = [await node() for _ in range(2)]
        stores = [await opened.enter_async_context(open_tally(log, rules)) for log in logs]
        stage, last = Stage(logs, stores), Shouted("29")
        await asyncio.gather(*(stores[0].dispatch(Shout(str(n)), by=ME) for n in range(30)))
        await until(lambda: all(heard and heard[-1].event == last for heard in stage.heard))

    assert all(len(heard) < 10 for heard in stage.heard)


async def test_what_each_node_says_for_itself_is_not_heard_at_others(node: Node) -> None:
    rules = replace(TALLY, own_topics=frozenset({"shouted"}))
    async with AsyncExitStack() as opened:
        logs = [await node() for _ in range(2)]
        stores = [await opened.enter_async_context(open_tally(log, rules)) for log in logs]
        stage = Stage(logs, stores)
        await stores[0].dispatch(Shout("hey"), by=ME)
        stores[0].reports.say("load", "later")
        await until(lambda: stores[1].reports.of_others("load", SECONDS))

    assert [len(heard) for heard in stage.heard] == [1, 0]


async def test_what_is_too_long_to_be_announced_is_heard_at_its_own_node(stage: Stage) -> None:
    for word in "x" * ANNOUNCED_BYTES, "hey":
        await stage.stores[0].dispatch(Shout(word), by=ME)
    await until(lambda: stage.heard[1])

    assert [each.event for each in stage.heard[1]] == [Shouted("hey")]
    assert len(stage.heard[0]) == 2


async def test_what_a_node_said_of_itself_while_it_could_not_be_heard_is_not_said_later(
    stage: Stage,
) -> None:
    store, log = stage.stores[0], stage.logs[0]
    claim = log.claim

    async def away(*_: object) -> None:
        raise LogUnavailable("no route")

    log.claim = away  # type: ignore[method-assign,assignment]
    await until(lambda: not store.is_ready)
    store.reports.say("load", "then")
    log.claim = claim  # type: ignore[method-assign]
    await until(lambda: store.is_ready)
    store.reports.say("load", "now")
    await until(lambda: stage.stores[1].reports.of_others("load", SECONDS))

    assert stage.stores[1].reports.of_others("load", SECONDS) == ["now"]


async def test_what_another_program_announces_does_no_harm(stage: Stage) -> None:
    for text in "", "no JSON", '{"node": 1}', '["x", 2]', '["x", null]', "[{}, null]":
        await stage.logs[0].announce(text)
    await stage.stores[0].dispatch(Shout("hey"), by=ME)
    await until(lambda: stage.heard[1])

    assert [each.event for each in stage.heard[1]] == [Shouted("hey")]
    assert (await stage.stores[1].dispatch(Add(1), by=ME)).seq == 1


@pytest.mark.parametrize("engine", ["postgres"])
async def test_what_anybody_notifies_does_no_harm(stage: Stage, url: str) -> None:
    import psycopg

    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as anybody:
        channel = f"event_log_{stage.logs[0].epoch}"
        for payload in "", "grown", "grown far", "last", "last x 0":
            await anybody.execute("SELECT pg_notify(%s, %s)", (channel, payload))
    await stage.stores[0].dispatch(Shout("hey"), by=ME)
    await until(lambda: stage.heard[1])

    assert [each.event for each in stage.heard[1]] == [Shouted("hey")]


async def test_each_effect_is_performed_by_one_node(stage: Stage) -> None:
    performed: list[str] = []
    numbers = count(1)

    async def work(attempt: Attempt) -> Command:
        performed.append(attempt.origin)
        return Add(next(numbers) * 0 + 1)

    WORK["count"] = work
    await until(lambda: len(holders(stage)) == 1)
    for number in range(10):
        effects: tuple[Durable[Command], ...] = (Run(Work("count")), Delay(0.05, Add(100)))
        await stage.stores[number % 2].dispatch(Plan(effects), by=ME)
    await until(lambda: all(store.state == 1010 for store in stage.stores))

    assert sorted(performed) == sorted(set(performed))
    assert len(performed) == 10
    assert not any(store.head.effects.pending for store in stage.stores)


async def test_a_dead_letter_is_seen_to_at_any_node(stage: Stage) -> None:
    willing = False

    async def moody(attempt: Attempt) -> Command:
        if not willing:
            raise ValueError("no")
        return Add(5)

    WORK["moody"] = moody
    await until(lambda: len(holders(stage)) == 1)
    other = next(store for store in stage.stores if not store.performs_effects)
    await other.dispatch(Plan((Run(Work("moody")), Run(Work("moody")))), by=ME)
    await until(lambda: len(other.dead_letters()) == 2)
    willing = True
    await other.retry("1.0", by=ME)
    await other.discard("1.1", by=ME)
    await until(lambda: all(store.state == 5 for store in stage.stores))

    assert other.dead_letters() == []


async def test_another_takes_over_when_the_lease_is_not_renewed(stage: Stage) -> None:
    """A node that was paused finds that it has lost its turn, and settles nothing."""
    begun: list[str] = []
    gate = asyncio.Event()

    async def work(attempt: Attempt) -> Command:
        begun.append(attempt.origin)
        if len(begun) == 1:
            await gate.wait()
        return Add(1)

    WORK["stuck"] = work
    await until(lambda: len(holders(stage)) == 1)
    (holder,) = holders(stage)
    other = next(store for store in stage.stores if store is not holder)
    await holder.dispatch(Plan((Run(Work("stuck")),)), by=ME)
    await until(lambda: begun)

    log = stage.logs[stage.stores.index(holder)]
    log.claim = paused  # type: ignore[method-assign]
    await until(lambda: other.performs_effects and not other.head.effects.pending)
    gate.set()
    await other.dispatch(Add(10), by=ME)
    await until(lambda: holder.state == other.state == 11)

    assert begun == [begun[0]] * 2
    assert not holder.performs_effects


async def paused(name: str, seconds: float) -> int | None:
    """As long as a lease lasts, and longer."""
    await asyncio.sleep(3600)
    return None


async def test_a_node_that_stops_hands_its_turn_on_at_once(
    node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lease, "LEASE_SECONDS", 30.0)
    monkeypatch.setattr(lease, "RENEWALS", 300)  # asked for ten times a second
    async with AsyncExitStack() as opened:
        async with open_tally(await node()) as first:
            await until(lambda: first.performs_effects)
            second = await opened.enter_async_context(open_tally(await node()))
            await first.dispatch(Plan((Delay(0.2, Add(5)),)), by=ME)
            assert not second.performs_effects
        await until(lambda: second.state == 5)


async def test_a_node_of_an_older_edition_stops_taking_commands(node: Node) -> None:
    def old_decode(text: str) -> object:
        if isinstance(decode(text), Shouted | Added) and decode(text) == Added(13, 0, 13):
            raise Rejected(Code.INVALID, "unknown action")
        return decode(text)

    old = replace(TALLY, decode_event=old_decode, fingerprint="old")  # type: ignore[arg-type]
    async with open_tally(await node(), old) as older, open_tally(await node()) as newer:
        await newer.dispatch(Add(13), by=ME)
        await until(lambda: not older.is_ready)
        with pytest.raises(Rejected) as refusal:
            await older.dispatch(Add(1), by=ME)
        await newer.dispatch(Add(1), by=ME)
        await until(lambda: newer.performs_effects)

        assert refusal.value.code is Code.UNAVAILABLE
        assert (older.state, newer.state) == (0, 14)


async def test_commands_are_refused_in_words_while_the_log_is_away(stage: Stage) -> None:
    store, log = stage.stores[0], stage.logs[0]
    append, claim = log.append, log.claim

    async def away(*_: object) -> None:
        raise LogUnavailable("the event log db://x: no route")

    log.append = log.claim = away  # type: ignore[method-assign,assignment]
    with pytest.raises(Rejected) as refusal:
        await store.dispatch(Add(1), by=ME)
    await until(lambda: not store.is_ready)
    log.append, log.claim = append, claim  # type: ignore[method-assign]
    await until(lambda: store.is_ready)
    await store.dispatch(Add(2), by=ME)

    assert refusal.value.code is Code.UNAVAILABLE
    assert "db://x" in refusal.value.message
    assert store.state == 2


@pytest.mark.parametrize("is_stored", [True, False])
async def test_a_lost_answer_is_looked_up_as_soon_as_the_log_is_back(
    stage: Stage, is_stored: bool
) -> None:
    store, log = stage.stores[0], stage.logs[0]
    append, read = log.append, log.read
    failures = iter([True, True])

    async def lost(expected: int, entries: object) -> None:
        log.append = append  # type: ignore[method-assign]
        if is_stored:
            await append(expected, entries)  # type: ignore[arg-type]
        raise AnswerLost("the line broke")

    async def away(after: int, limit: int) -> object:
        if next(failures, False):
            raise LogUnavailable("no route")
        return await read(after, limit)

    log.append, log.read = lost, away  # type: ignore[method-assign,assignment]
    outcome = await store.dispatch(Add(3), by=ME)

    assert (outcome.seq, store.state, store.seq) == (1, 3, 1)


async def test_a_group_that_is_too_large_is_stored_in_parts(stage: Stage) -> None:
    store, log = stage.stores[0], stage.logs[0]
    append = log.append
    sizes: list[int] = []

    async def small(expected: int, entries: list[object]) -> None:
        if len(entries) > 2:
            raise TooLarge("two at a time")
        sizes.append(len(entries))
        await append(expected, entries)  # type: ignore[arg-type]

    log.append = small  # type: ignore[method-assign,assignment]
    await asyncio.gather(*(store.dispatch(Add(1), by=ME) for _ in range(9)))

    assert (store.state, store.seq) == (9, 9)
    assert sum(sizes) == 9
