"""CPU of a message delivered to each of a thousand clients, beside the peers.

One client sends; the next command, or the next eight, when everybody has heard what came before.
CPU is the server's, with the kernel's on its behalf. Eight commands arrive at once, so that what
they lead to may leave together.
"""

from __future__ import annotations

from functools import partial

from benchmarks.measure import Effort, Figure, taking_turns
from benchmarks.peers import results
from benchmarks.peers.pair import Heard, together
from benchmarks.peers.peer import FLOOR, GORILLA, OURS, PICOWS, TUTORIAL, everybody
from benchmarks.peers.rows import Part, fewer, rounds

CLIENTS = 1_000
COMMANDS = 64
IN_FLIGHT = (1, 8)
BARS = {
    1: {TUTORIAL: 0.5, GORILLA: 1.0, PICOWS: 1.2, FLOOR: 2.0},
    8: {TUTORIAL: 0.1, FLOOR: 0.3},
}


async def measure(effort: Effort) -> list[Figure]:
    """The figures of this module."""
    peers, skipped = everybody()
    part = Part()
    async with together(peers, CLIENTS) as pairs:
        for number in IN_FLIGHT:
            heard: dict[str, list[Heard]] = await taking_turns(
                rounds(effort),
                {
                    name: partial(pair.closed, fewer(COMMANDS, pair.peer.slowness, number), number)
                    for name, pair in pairs.items()
                },
            )
            words = f"{number} in flight"
            cpu = part.row(f"CPU, {words}", "µs", heard, lambda one: one.cpu_per_message)
            part.row(f"delivered, {words}", "/s", heard, lambda one: one.delivered / one.seconds)
            part.row(f"p99, {words}", "ms", heard, lambda one: one.p99 / 1e3)
            part.ratios(cpu, OURS, BARS[number])
    return results.keep("fan_out", effort, part, peers, skipped)
