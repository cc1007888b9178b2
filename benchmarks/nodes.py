"""Several nodes on one log, on every engine: commands, and events to clients of another node.

All nodes, the engine's own servers and the clients share this machine's cores, so that more nodes
do not mean more of the machine: what a node costs is seen by its CPU. Nodes on SQLite are workers.
A command is durable when it is acknowledged.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from statistics import median
from time import perf_counter

from benchmarks.engines import ENGINES, cpu_of_family, engine, nodes
from benchmarks.measure import Effort, Figure, progress
from benchmarks.serving import Server
from benchmarks.sockets import CAUSE, Callers, Socket, connected

COUNTS = (1, 2, 3)
CALLERS, IN_FLIGHT, SECONDS = 4, 32, 5.0
LISTENERS, EVENTS, EVENTS_A_SECOND = 4, 200, 50


async def measure(effort: Effort) -> list[Figure]:
    """The figures of this module."""
    figures: list[Figure] = []
    for name in ENGINES:
        for count in COUNTS:
            progress(f"{name}, {_nodes(count)}")
            with engine(name) as url:
                async with nodes(url, count) as found:
                    ports = [found[number % len(found)].port for number in range(count)]
                    figures += await _commands(f"{name}, {_nodes(count)}", ports, found, effort)
                    figures += await _latency(f"{name}, {_nodes(count)}", ports, effort)
    return figures


async def _commands(
    name: str, ports: Sequence[int], found: Sequence[Server], effort: Effort
) -> list[Figure]:
    """Commands that are acknowledged in a second, when many wait at every node."""
    callers = Callers()
    try:
        await callers.come(ports, CALLERS)
        await callers.call(IN_FLIGHT, SECONDS * effort.share / 5)
        before = sum(cpu_of_family(server.pid) for server in found)
        per_second = await callers.call(IN_FLIGHT, SECONDS * effort.share)
        used = sum(cpu_of_family(server.pid) for server in found) - before
        return [
            Figure(f"{name}: commands", per_second, "/s"),
            Figure(f"{name}: CPU of all nodes", 1e6 * used / len(callers.took), "µs each"),
            Figure(f"{name}: refused", callers.refused / SECONDS / effort.share, "/s"),
        ]
    finally:
        callers.close()


async def _latency(name: str, ports: Sequence[int], effort: Effort) -> list[Figure]:
    """From a command to its event, at the node that was asked and at another."""
    async with _listening([ports[0]] * LISTENERS) as (here, say):
        elsewhere = [port for port in ports[1:] for _ in range(LISTENERS)]
        async with _listening(elsewhere) as (there, _):
            begun, number = perf_counter(), effort.of(EVENTS)
            for said in range(number):
                await asyncio.sleep(begun + said / EVENTS_A_SECOND - perf_counter())
                here.asked[f"event-{said}"] = there.asked[f"event-{said}"] = perf_counter()
                say.say(f"event-{said}")
            await here.complete(number * LISTENERS)
            await there.complete(number * len(elsewhere))
    figures = [Figure(f"{name}: event, p50", 1e3 * median(here.took), "ms")]
    if there.took and ports[0] != ports[1]:  # of workers nobody knows who hears which
        added = 1e3 * (median(there.took) - median(here.took))
        figures.append(Figure(f"{name}: more at another node, p50", added, "ms", at_most=5))
    return figures


@dataclass(slots=True)
class Heard:
    """When events came, after their commands were said."""

    asked: dict[str, float] = field(default_factory=dict)
    took: list[float] = field(default_factory=list)

    def note(self, cause: re.Match[bytes], now: float) -> None:
        """An event has come; one that others asked for before may come late to another node."""
        if (asked := self.asked.get(cause[1].decode())) is not None:
            self.took.append(now - asked)

    async def complete(self, number: int) -> None:
        """Return when so many have come."""
        async with asyncio.timeout(60):
            while len(self.took) < number:
                await asyncio.sleep(0.001)


@asynccontextmanager
async def _listening(ports: Sequence[int]) -> AsyncIterator[tuple[Heard, Socket]]:
    """A socket at each of these that hears stock; what they hear, and the first of them."""
    heard, sockets = Heard(), list[Socket]()
    try:
        for port in ports:
            sockets.append(await connected(port, "topics=inventory", CAUSE, heard.note))
        yield heard, sockets[0] if sockets else None  # type: ignore[misc]  # nobody is to speak
    finally:
        for socket in sockets:
            socket.close()


def _nodes(count: int) -> str:
    return f"{count} node{'s' if count > 1 else ''}"
