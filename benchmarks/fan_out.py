"""What a client costs the service: in memory while it is idle, and in CPU for what it is told.

Memory is the growth of the server's resident set, for each of so many clients that have connected
and say nothing; the kernel's own buffers are not in it. CPU is the server's and the kernel's on its
behalf, for each message delivered: the next command is sent when every client has heard the event
of the one before ("1 in flight"), or of all eight ("8 in flight"), so that their events can leave
together. All clients are one user, and then each is another one: who hears what is found by user.
"""

from __future__ import annotations

from functools import partial
from itertools import islice
from time import perf_counter

from benchmarks.crowd import Client, Crowd, crowd
from benchmarks.measure import Effort, Figure, Sample, Side, in_turns
from benchmarks.serving import Server, serving
from benchmarks.socket_commands import frames_of_commands

IDLE = 10_000
WARM = 200
CLIENTS = 1_000
COMMANDS = 240
IN_FLIGHT = (1, 8)


async def measure(effort: Effort) -> list[Figure]:
    """The figures of this module."""
    idle = effort.of(IDLE)
    per_client, opened = await _idle(idle)
    figures = [
        Figure(f"resident memory of an idle client, {idle:,} of them", per_client / 1024, "KB"),
        Figure("CPU of a handshake", opened, "µs"),
    ]
    one = await _rounds(effort, users=False)
    each = await _rounds(effort, users=True)
    for number in IN_FLIGHT:
        side = one[str(number)]
        figures += [
            Figure(f"CPU of a message delivered, {number} in flight", side.cpu, "µs"),
            Figure(f"messages delivered, {number} in flight", side.per_second, "/s"),
            Figure(f"p50, {number} in flight", side.latency(50), "ms"),
            Figure(f"p99, {number} in flight", side.latency(99), "ms"),
            Figure(
                f"CPU of a message delivered, {number} in flight, each client a user of its own",
                each[str(number)].cpu,
                "µs",
            ),
        ]
    return figures


async def _rounds(effort: Effort, *, users: bool) -> dict[str, Side]:
    async with (
        serving("--without-saga") as server,
        crowd(server.port, CLIENTS, users=users) as (many, speaker),
    ):
        return await in_turns(
            effort.rounds,
            {
                str(number): partial(_told, effort, server, many, speaker, number)
                for number in IN_FLIGHT
            },
        )


async def _idle(number: int) -> tuple[float, float]:
    """Bytes for each idle client, and microseconds of CPU for its handshake."""
    async with serving("--without-saga") as server, crowd(server.port, WARM) as (clients, _):
        await server.idle()
        rss, cpu = server.rss(), server.cpu()
        await clients.grow(number)
        await server.idle()
        return (server.rss() - rss) / number, 1e6 * (server.cpu() - cpu) / number


async def _told(
    effort: Effort, server: Server, clients: Crowd, speaker: Client, in_flight: int
) -> Sample:
    commands = list(islice(frames_of_commands(), effort.of(COMMANDS)))
    del clients.latencies[:]
    await server.idle()
    cpu, begin = server.cpu(), perf_counter()
    for at in range(0, len(commands), in_flight):
        await clients.ask(speaker, commands[at : at + in_flight])
    wall, delivered = perf_counter() - begin, len(clients.latencies)
    return Sample(delivered, wall, server.cpu() - cpu, clients.latencies[:])
