"""Commands a second through the Store on SQLite: many in one commit against one commit each.

The same Store decides the same PlaceOrder by turns with its own group size and with groups of one,
while so many callers each wait for their answer before they send again. An event asks for nothing
here, so that the figure is that of a command by itself. CPU is that of the whole process, the
callers' tasks included. The gain in commands a second is that of this disk: the time it takes for
one row is measured in the same rounds, and on a slower one the gain is greater.
"""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Awaitable, Callable, Sequence
from itertools import count, islice
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter, process_time
from typing import TypeAlias

from app.adapters import open_ports
from app.cli.reading import prepare_for_many_objects
from app.domain import Command, Event, State
from app.runtime import queue
from app.runtime.event_log.port import Entry
from app.runtime.event_log.sqlite import SqliteLog
from app.runtime.store import Store, open_store

from benchmarks import machine
from benchmarks.measure import WORK, Effort, Figure, Sample, in_turns
from benchmarks.shop import SHOP, order, shop_rules, without_saga

CALLERS = 100
COMMANDS = 10_000
COMMANDS_ONE_BY_ONE = 2_000

ShopStore: TypeAlias = Store[State, Command, Event]


class CountingLog(SqliteLog):
    """The log, and how many commits it has made."""

    commits = 0

    async def append(self, expected: int, entries: Sequence[Entry]) -> None:
        """Store the entries, and count."""
        self.commits += 1
        await super().append(expected, entries)


async def measure(effort: Effort) -> list[Figure]:
    """The figures of this module."""
    prepare_for_many_objects()
    WORK.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=WORK) as folder:
        log = CountingLog(Path(folder) / "events.db")
        try:
            ruled = without_saga(shop_rules())
            async with open_ports() as ports, open_store(log, ruled, ports) as store:
                gc.freeze()
                return await _figures(effort, Path(folder), log, store)
        finally:
            await log.close()


async def _figures(
    effort: Effort, folder: Path, log: CountingLog, store: ShopStore
) -> list[Figure]:
    many, few = effort.of(COMMANDS), effort.of(COMMANDS_ONE_BY_ONE)
    per_commit: list[float] = []
    disk: list[float] = []

    async def together() -> Sample:
        before = log.commits
        disk.append(machine.commit(folder))
        sample = await _placed(store, many, CALLERS)
        per_commit.append(many / (log.commits - before))
        return sample

    sides: dict[str, Callable[[], Awaitable[Sample]]] = {
        "together": together,
        "with ids": lambda: _placed(store, many, CALLERS, with_ids=True),
        "one": lambda: _one_by_one(store, few),
        "1 caller": lambda: _placed(store, few, 1),
        "10 callers": lambda: _placed(store, many // 2, 10),
        "1000 callers": lambda: _placed(store, many, 1000),
    }
    found = await in_turns(effort.rounds, sides)
    grouped, single = found["together"], found["one"]
    gain = grouped.per_second / single.per_second
    return [
        Figure("group commit ÷ one commit each, commands/s", gain, "x", at_least=8),
        Figure("commands in one commit", median(per_commit), "", at_least=50),
        Figure("commit of one row on this disk, meanwhile", median(disk), "ms"),
        Figure("the same gain, in CPU", single.cpu / grouped.cpu, "x"),
        Figure("CPU of a command", grouped.cpu, "µs", at_most=50),
        Figure("CPU of a command with an id of the client's", found["with ids"].cpu, "µs"),
        Figure("CPU of a command, one commit each", single.cpu, "µs"),
        Figure("commands, 100 callers", grouped.per_second, "/s"),
        Figure("commands, 100 callers, one commit each", single.per_second, "/s"),
        *(
            Figure(f"commands, {name}", found[name].per_second, "/s")
            for name in ("1 caller", "10 callers", "1000 callers")
        ),
        Figure("p50 / 1 caller", found["1 caller"].latency(50), "ms"),
        Figure("p50 / 100 callers", grouped.latency(50), "ms"),
        Figure("p99 / 100 callers", grouped.latency(99), "ms"),
    ]


async def _one_by_one(store: ShopStore, commands: int) -> Sample:
    usual = queue.COMMANDS_A_COMMIT
    queue.COMMANDS_A_COMMIT = 1
    try:
        return await _placed(store, commands, CALLERS)
    finally:
        queue.COMMANDS_A_COMMIT = usual


numbers = count()


async def _placed(
    store: ShopStore, commands: int, callers: int, *, with_ids: bool = False
) -> Sample:
    """So many orders, placed by callers who wait for one answer at a time."""
    waiting = [
        (order(number), f"id-{number}" if with_ids else None)
        for number in islice(numbers, commands)
    ]
    latencies: list[float] = []

    async def call() -> None:
        while waiting:
            command, name = waiting.pop()
            begin = perf_counter()
            await store.dispatch(command, by=SHOP, id=name)
            latencies.append(perf_counter() - begin)

    wall, cpu = perf_counter(), process_time()
    await asyncio.gather(*(call() for _ in range(callers)))
    return Sample(commands, perf_counter() - wall, process_time() - cpu, latencies)
