"""One run: a crowd follows, callers call, everything goes wrong in turn, and all is looked at."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import partial
from random import Random
from time import monotonic
from typing import NamedTuple

import orjson

from app.live.message import Message
from app.runtime.event_log import open_event_log
from app.runtime.event_log.port import Entry
from app.wire import codec
from tests.orders.faults.callers import Caller
from tests.orders.faults.company import NODES, Company, Fault, company
from tests.orders.faults.crowd import Follower, follow
from tests.orders.faults.stream import Stream

ENTRIES_A_READ = 1_000
SETTLE_SECONDS = 180
CALM = "calm"


class Phase(NamedTuple):
    """What is done in a while: a fault, or nothing but commands; how many were acknowledged."""

    name: str
    commands: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Outcome:
    """What has come of it. `wrong` is empty when every promise was kept."""

    commands: int
    events: int
    heard: int
    seconds: float
    calm: float
    """Commands that were acknowledged in a second while nothing was broken, or just mended."""
    rate: float
    """The same, over all of it."""
    refused: int
    codes: Counter[int]
    wrong: Sequence[str]


async def rehearse(
    engine: str,
    *,
    clients: int,
    per_second: float,
    calm_seconds: float,
    paused_seconds: float,
    say: Callable[[str], None] = lambda words: None,
) -> Outcome:
    """Three nodes, so many clients spread over them, so many commands a second, all faults.

    `paused_seconds` is how long somebody is stopped: more than the lease of the effects lasts.
    """
    chance, begun = Random(7), monotonic()  # noqa: S311 - it spreads clients, no more
    async with company(engine) as firm, AsyncExitStack() as opened:
        stream = Stream()
        crowd = [Follower(_port_of(firm, number), chance, stream) for number in range(clients)]
        callers = [Caller(f"c{number}", node.url) for number, node in enumerate(firm.nodes)]
        group = await opened.enter_async_context(asyncio.TaskGroup())
        following = group.create_task(follow(crowd))
        is_over = asyncio.Event()
        calling = [group.create_task(one.call(per_second / NODES, is_over)) for one in callers]
        phases = list[Phase]()
        for name, passes in _plan(firm, calm_seconds, paused_seconds):
            before, since = _done(callers), monotonic()
            await passes()
            phase = Phase(name, _done(callers) - before, monotonic() - since)
            phases.append(phase)
            say(f"{monotonic() - begun:5.1f} s, {phase.commands / phase.seconds:3.0f}/s: {name}")
        is_over.set()
        await asyncio.wait(calling, timeout=SETTLE_SECONDS)
        entries = await _settled(firm, crowd)
        undone = sum(not task.done() for task in calling)
        for task in [*calling, following]:
            task.cancel()
        await asyncio.wait([*calling, following])
    return Outcome(
        commands=sum(len(one.acknowledged) for one in callers),
        events=sum(entry.event is not None for entry in entries),
        heard=len(crowd),
        seconds=monotonic() - begun,
        calm=_rate([one for one in phases if one.name == CALM]),
        rate=_rate(phases),
        refused=sum(one.refused for one in callers),
        codes=sum((one.codes for one in crowd), Counter()),
        wrong=[
            *_of_log(entries, callers),
            *_of_crowd(entries, crowd, stream),
            *[f"{undone} callers wait for an answer"] * bool(undone),
        ],
    )


def _plan(firm: Company, calm: float, paused: float) -> Iterator[tuple[str, Fault]]:
    """One fault after another, each by its name, and calm before and after each."""
    yield CALM, partial(asyncio.sleep, calm)
    for fault in firm.faults(paused).items():
        yield fault
        yield CALM, partial(asyncio.sleep, calm)


def _done(callers: Sequence[Caller]) -> int:
    return sum(len(one.acknowledged) for one in callers)


def _rate(phases: Sequence[Phase]) -> float:
    return sum(one.commands for one in phases) / sum(one.seconds for one in phases)


async def _settled(firm: Company, crowd: Sequence[Follower]) -> Sequence[Entry]:
    """The log, when every saga has ended and everybody has heard of it; or it took too long."""
    log = open_event_log(firm.url, shared=True)
    await log.connect()
    try:
        entries, begun = list[Entry](), monotonic()
        while True:
            while some := await log.read(len(entries), ENTRIES_A_READ):
                entries += some
            last = max((entry.position for entry in entries if entry.event is not None), default=0)
            kinds = _kinds(entries)
            is_done = len(kinds["OrderProcessing"]) >= len(kinds["OrderPlaced"])
            is_told = all(one.seq >= last for one in crowd)
            if (is_done and is_told) or monotonic() - begun > SETTLE_SECONDS:
                return entries
            await asyncio.sleep(0.2)
    finally:
        await log.close()


def _of_log(entries: Sequence[Entry], callers: Sequence[Caller]) -> list[str]:
    """Which promises about the log were broken."""
    wrong = []
    if [entry.position for entry in entries] != list(range(1, len(entries) + 1)):
        wrong.append("the positions of the log have holes")
    decided = Counter(entry.cause for entry in entries if entry.action and not entry.outcome)
    for caller in callers:
        for name, seq in caller.acknowledged.items():
            if decided[name] != 1:
                times = f"is in the log {decided[name]} times"
                wrong.append(f"{name}, acknowledged at {seq}, {times}")
    settled = Counter(entry.settles for entry in entries if entry.settles)
    wrong += [f"the effect {origin} has ended {n} times" for origin, n in settled.items() if n > 1]
    kinds = _kinds(entries)
    stuck = kinds["OrderPlaced"].keys() - kinds["OrderProcessing"].keys()
    wrong += [f"{order} was placed, and nothing has come of it" for order in stuck]
    for kind, orders in kinds.items():
        wrong += [f"{kind} of {order}: {n} times" for order, n in orders.items() if n > 1]
    return wrong


def _of_crowd(entries: Sequence[Entry], crowd: Sequence[Follower], stream: Stream) -> list[str]:
    """Which promises to clients were broken."""
    told = [
        Message(codec.event_message(entry.event, entry.position, entry.cause)).frame
        for entry in entries
        if entry.event is not None
    ]
    wrong = [problem for one in crowd for problem in one.problems]
    if stream.frames != b"".join(told):
        wrong.append("what clients have heard is not what is in the log")
    others = sum(one.at != len(stream) for one in crowd)
    return [*wrong, f"{others} clients have not heard all of it"] if others else wrong


def _kinds(entries: Sequence[Entry]) -> dict[str, Counter[str]]:
    """How often each of these happened to each order."""
    found: dict[str, Counter[str]] = {
        kind: Counter() for kind in ("OrderPlaced", "StockReserved", "OrderProcessing")
    }
    for entry in entries:
        if entry.event is not None:
            for kind, fields in orjson.loads(entry.event).items():
                if kind in found:
                    found[kind][fields["order_id"]] += 1
    return found


def _port_of(firm: Company, number: int) -> Callable[[], int]:
    return lambda: firm.nodes[number % NODES].port
