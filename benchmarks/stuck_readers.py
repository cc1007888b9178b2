"""How long an event takes to a thousand clients, beside a hundred more that never read.

Each round takes the same events at the same pace, by turns with and without the stuck ones, which
connect, read nothing, and are closed with 4008 when too much waits for them. Latency is from the
command to its event at each of the clients that read, which share one process of their own; it is
what the clock on the wall says. Memory is how much the server's resident set grows in a round: to
its highest, and to its end, when the last stuck reader has gone; what it grows without them is the
events' own.
"""

from __future__ import annotations

import asyncio
import re
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from itertools import count
from statistics import median
from time import perf_counter

import orjson
from app.wire import codec

from benchmarks import socket_load
from benchmarks.crowd import Client, Crowd, crowd
from benchmarks.measure import Effort, Figure, Sample, in_turns
from benchmarks.production import authorization
from benchmarks.serving import Server, serving
from benchmarks.shop import order

OTHERS = 900
STUCK = 100
EVENTS = 200
PER_SECOND = 40
LOOK_AFTER = 10
LINES = 12  # of an order: an event of 1 KB
BUDGET = 64 * 1024
KERNEL_BYTES = 4096
GONE_SECONDS = 20  # the grace of a close is five of them

MEGABYTE = 1024 * 1024
numbers = count()


async def measure(effort: Effort) -> list[Figure]:
    """The figures of this module."""
    async with (
        serving("--without-saga", send_buffer_bytes=str(BUDGET)) as server,
        crowd(server.port, OTHERS) as (others, speaker),
    ):
        grown = Growth(server), Growth(server)

        async def without() -> Sample:
            with grown[0]:
                return await _told(server, others, speaker, grown[0])

        async def beside() -> Sample:
            with grown[1], _stuck(server.port):
                sample = await _told(server, others, speaker, grown[1])
                await _gone(server)
            return sample

        sides = await in_turns(effort.rounds, {"without": without, "beside": beside})
        closed = _figure(await _metrics(server), "app_connections_closed_total", 'code="4008"')
    alone, among = sides["without"], sides["beside"]
    rounds = effort.rounds + 1
    ratio = among.latency(99) / alone.latency(99)
    return [
        Figure("p99 beside stuck readers ÷ without them", ratio, "x", at_most=2),
        Figure("p50 of the others, without", alone.latency(50), "ms"),
        Figure("p50 of the others, beside", among.latency(50), "ms"),
        Figure("p99 of the others, without", alone.latency(99), "ms"),
        Figure("p99 of the others, beside", among.latency(99), "ms"),
        Figure("CPU of a message delivered, without", alone.cpu, "µs"),
        Figure("CPU of a message delivered, beside", among.cpu, "µs"),
        Figure("stuck readers closed with 4008, of 100", closed / rounds, "", at_least=STUCK),
        Figure("growth of memory in a round, without, at most", grown[0].highest, "MB"),
        Figure("growth of memory in a round, beside, at most", grown[1].highest, "MB"),
        Figure("growth of memory in a round, without, at its end", grown[0].end, "MB"),
        Figure("growth of memory in a round, beside, at its end", grown[1].end, "MB"),
    ]


class Growth:
    """How much the server's memory grows in the rounds that this is the context of: medians, MB."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._seen: list[list[int]] = []

    def __enter__(self) -> None:
        self._seen.append([self._server.rss()])

    def look(self) -> None:
        """Take one more figure."""
        self._seen[-1].append(self._server.rss())

    def __exit__(self, *reason: object) -> None:
        self.look()

    @property
    def highest(self) -> float:
        """Up to the highest figure of a round."""
        return median(max(seen) - seen[0] for seen in self._seen[1:]) / MEGABYTE

    @property
    def end(self) -> float:
        """Up to its last figure."""
        return median(seen[-1] - seen[0] for seen in self._seen[1:]) / MEGABYTE


async def _told(server: Server, others: Crowd, speaker: Client, grown: Growth) -> Sample:
    """Events at a steady pace, and how long each took to each of the others."""
    del others.latencies[:]
    await server.idle()
    cpu, begin = server.cpu(), perf_counter()
    for number in range(EVENTS):
        await asyncio.sleep(begin + number / PER_SECOND - perf_counter())
        others.tell(speaker, _frame())
        if number % LOOK_AFTER == 0:
            grown.look()
    await others.quiet()
    wall, delivered = perf_counter() - begin, len(others.latencies)
    return Sample(delivered, wall, server.cpu() - cpu, others.latencies[:])


def _frame() -> bytes:
    action = orjson.Fragment(codec.encode_command(order(next(numbers), LINES)))
    return socket_load.frame(orjson.dumps({"type": "command", "action": action}))


@contextmanager
def _stuck(port: int) -> Iterator[None]:
    """A hundred that have asked to hear everything, and never read."""
    with ExitStack() as opened:
        for _ in range(STUCK):
            peer = opened.enter_context(socket.socket())
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, KERNEL_BYTES)
            peer.connect(("127.0.0.1", port))
            handshake = socket_load.HANDSHAKE.format(authorization=authorization())
            peer.sendall(handshake.encode())
        yield


async def _gone(server: Server) -> None:
    """Return when no stuck reader is connected any more."""
    async with asyncio.timeout(GONE_SECONDS):
        while _figure(await _metrics(server), "app_connections") > OTHERS + 1:
            await asyncio.sleep(0.1)


async def _metrics(server: Server) -> str:
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(b"GET /metrics HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\n\r\n")
    answer = await reader.read()
    writer.close()
    return answer.decode()


def _figure(metrics: str, name: str, label: str = "") -> float:
    labels = re.escape("{" + label + "}") if label else ""
    found = re.search(rf"^{name}{labels} (\S+)$", metrics, re.MULTILINE)
    return float(found[1]) if found else 0.0
