"""Commands on one socket, each with its event and its ack, against HTTP POSTs of the same command.

CPU of the server for each command, with so many commands under way: on the one socket, and on as
many connections of HTTP. An event asks for nothing here. The socket sends more: a command's own id,
its event, and its ack.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count, islice
from time import perf_counter

import orjson
from app.wire import codec

from benchmarks import http_load, socket_load
from benchmarks.http_orders import ORDERS, requests_of
from benchmarks.measure import Effort, Figure, Sample, Side, in_turns
from benchmarks.serving import Server, serving
from benchmarks.shop import order

COMMANDS = 6_000
BARS = {64: 3.0, 512: 4.0}


async def measure(effort: Effort) -> list[Figure]:
    """The figures of this module."""
    figures = []
    async with serving("--without-saga") as server:
        for in_flight, bar in BARS.items():
            sides = await _compared(effort, server, in_flight)
            ratio = sides["post"].cpu / sides["socket"].cpu
            figures += [
                Figure(f"POST ÷ socket, CPU, {in_flight} in flight", ratio, "x", at_least=bar),
                Figure(f"CPU of a command, {in_flight} in flight", sides["socket"].cpu, "µs"),
                Figure(f"CPU of a POST, {in_flight} in flight", sides["post"].cpu, "µs"),
                Figure(f"commands, {in_flight} in flight", sides["socket"].per_second, "/s"),
            ]
    return figures


async def _compared(effort: Effort, server: Server, in_flight: int) -> dict[str, Side]:
    commands = effort.of(COMMANDS)

    async def socket() -> Sample:
        frames = list(islice(frames_of_commands(), commands))
        begin, cpu = perf_counter(), server.cpu()
        events = await socket_load.sent(server.port, frames, in_flight)
        wall = perf_counter() - begin
        if events != commands:
            raise RuntimeError(f"{events} events came of {commands} commands")
        return Sample(commands, wall, server.cpu() - cpu)

    async def post() -> Sample:
        requests = list(islice(requests_of(ORDERS), commands))
        begin, cpu = perf_counter(), server.cpu()
        await http_load.sent(server.port, requests, in_flight)
        return Sample(commands, perf_counter() - begin, server.cpu() - cpu)

    return await in_turns(effort.rounds, {"socket": socket, "post": post})


numbers = count()


def frames_of_commands() -> Iterator[bytes]:
    """Commands as they are sent, each with an id that was never used, without end."""
    for number in numbers:
        action = orjson.Fragment(codec.encode_command(order(number)))
        message = {"type": "command", "action": action, "id": f"c-{number}"}
        yield socket_load.frame(orjson.dumps(message))
