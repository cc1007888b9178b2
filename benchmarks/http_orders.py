"""POST /api/v1/orders against an empty route of the same process, body and dependencies.

The two take turns on the same kind of connections, each with one request under way. CPU is the
server's, its event log's thread, the kernel and whatever follows from a request included, for as
long as it goes on after the last answer. What is compared: an order without its saga; with it
(reserve, confirm: two more commands); and with it while 100,000 orders are held already.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import count, islice
from pathlib import Path
from time import perf_counter

from app.wire import codec

from benchmarks import http_load
from benchmarks.measure import Effort, Figure, Sample, Side, in_turns
from benchmarks.past import Past, written
from benchmarks.serving import Server, serving
from benchmarks.shop import order

CONNECTIONS = 32
REQUESTS = 6_000
HELD = 100_000
ORDERS, EMPTY = "/api/v1/orders", "/api/v1/orders/empty"


async def measure(effort: Effort) -> list[Figure]:
    """The figures of this module."""
    alone = await _compared(effort, "--without-saga")
    lived = await _compared(effort)
    full = await _compared(effort, past=await written(Past(effort.of(HELD))))
    return [
        Figure("empty route ÷ order, CPU", _ratio(alone), "x", at_least=0.7),
        Figure("empty route ÷ order with its saga, CPU", _ratio(lived), "x", at_least=0.5),
        Figure("the same, 100,000 orders held", _ratio(full), "x"),
        Figure("order ÷ empty route, p99, 100,000 orders held", _slower(full), "x", at_most=2),
        *(
            Figure(f"CPU of a request, {name}", side.cpu, "µs")
            for name, side in (
                ("empty route", alone["empty"]),
                ("order", alone["order"]),
                ("order with its saga", lived["order"]),
            )
        ),
        Figure("requests, empty route", alone["empty"].per_second, "/s"),
        Figure("requests, order", alone["order"].per_second, "/s"),
        Figure("requests, order with its saga", lived["order"].per_second, "/s"),
        Figure("p99, empty route, 100,000 orders held", full["empty"].latency(99), "ms"),
        Figure("p99, order, 100,000 orders held", full["order"].latency(99), "ms"),
    ]


async def _compared(effort: Effort, *options: str, past: Path | None = None) -> dict[str, Side]:
    async with serving(*options, past=past) as server:
        requests = effort.of(REQUESTS)

        async def empty() -> Sample:
            return await _load(server, list(islice(requests_of(EMPTY), requests)))

        async def placed() -> Sample:
            return await _load(server, list(islice(requests_of(ORDERS), requests)))

        return await in_turns(effort.rounds, {"empty": empty, "order": placed})


def _ratio(sides: dict[str, Side]) -> float:
    return sides["empty"].cpu / sides["order"].cpu


def _slower(sides: dict[str, Side]) -> float:
    return sides["order"].latency(99) / sides["empty"].latency(99)


def requests_of(path: str) -> Iterator[bytes]:
    """Orders as they are sent, without end."""
    return (http_load.post(path, codec.encode(order(number))) for number in count())


async def _load(server: Server, requests: Sequence[bytes]) -> Sample:
    await server.idle()
    cpu, begin = server.cpu(), perf_counter()
    latencies = await http_load.sent(server.port, requests, CONNECTIONS)
    wall = perf_counter() - begin
    await server.idle()
    return Sample(len(requests), wall, server.cpu() - cpu, latencies)
