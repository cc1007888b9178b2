"""How much of the machine a busy service takes: of all its cores, as a monitor shows it.

A hundred events a second to a hundred clients, and a thousand a second to fifty. The clients'
process is not counted.
"""

from __future__ import annotations

import os

from benchmarks.measure import QUICK, Effort, Figure
from benchmarks.peers import results
from benchmarks.peers.pair import paired
from benchmarks.peers.peer import OURS, ours
from benchmarks.peers.rows import Part

LOADS = ((100, 100, 10), (1_000, 50, 50))
"""Events a second, clients, and the bar in percent."""
SECONDS = 10


async def measure(effort: Effort) -> list[Figure]:
    """The figures of this module."""
    part, peer = Part(), ours()
    seconds = 3 if effort is QUICK else SECONDS
    for per_second, clients, bar in LOADS:
        async with paired(peer, clients) as pair:
            heard = await pair.at_pace(per_second * seconds, per_second)
        share = 100 * heard.cpu / heard.seconds / (os.cpu_count() or 1)
        words = f"{per_second:,} events/s, {clients} clients"
        part.single(f"{words}: of the machine", "%", {OURS: share})
        part.single(f"{words}: p99", "ms", {OURS: heard.p99 / 1e3})
        part.figures.extend(
            [
                Figure(f"{words}: of the machine", share, "%", at_most=bar),
                Figure(f"{words}: lost", heard.lost, "", at_most=0),
            ]
        )
    return results.keep("machine_share", effort, part, [peer], {})
