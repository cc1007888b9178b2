"""How long an event takes to a thousand clients when events come at a pace, beside the peers.

A hundred events a second, and then a thousand: a million messages a second, which is asked only of
those who deliver so many with eight in flight. The clock begins when a command was due to be sent,
so that a server that falls behind does not look better for it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

from benchmarks.measure import QUICK, Effort, Figure, taking_turns
from benchmarks.peers import results
from benchmarks.peers.pair import Heard, Pair, together
from benchmarks.peers.peer import FLOOR, JOINED, OURS, everybody
from benchmarks.peers.rows import Part, rounds

CLIENTS = 1_000
ROUNDS = 3
SLOW, SLOW_SECONDS = 100, 3
FAST, FAST_SECONDS = 1_000, 10


async def measure(effort: Effort) -> list[Figure]:
    """The figures of this module."""
    peers, skipped = everybody()
    part = Part()
    quick = [peer for peer in peers if peer.slowness == 1]
    async with together(quick, CLIENTS) as pairs:
        heard = await _paced(effort, pairs, SLOW, 1 if effort is QUICK else SLOW_SECONDS)
        p50 = part.row(f"p50, {SLOW} events/s", "ms", heard, lambda one: one.p50 / 1e3)
        p99 = part.row(f"p99, {SLOW} events/s", "ms", heard, lambda one: one.p99 / 1e3)
        part.row(f"CPU, {SLOW} events/s", "µs", heard, lambda one: one.cpu_per_message)
        part.ratio(p50, OURS, FLOOR, 1.7)
        part.ratio(p99, OURS, FLOOR, 2.0)
        able = {name: pair for name, pair in pairs.items() if name in (OURS, JOINED)}
        heard = await _paced(effort, able, FAST, 2 if effort is QUICK else FAST_SECONDS)
        part.row(f"p50, {FAST:,} events/s", "ms", heard, lambda one: one.p50 / 1e3)
        p99 = part.row(f"p99, {FAST:,} events/s", "ms", heard, lambda one: one.p99 / 1e3)
        part.row(f"CPU, {FAST:,} events/s", "µs", heard, lambda one: one.cpu_per_message)
        part.row("lost", "", heard, lambda one: one.lost)
        part.ratio(p99, OURS, JOINED, 2.0)
    lost = max(one.lost for one in heard[OURS])
    part.figures.append(Figure(f"lost at {FAST:,} events/s", lost, "", at_most=0))
    late = max(one.seconds for one in heard[OURS]) - (2 if effort is QUICK else FAST_SECONDS)
    part.figures.append(Figure("the last came so much later than it was due", late, "s", at_most=1))
    return results.keep("pace", effort, part, peers, skipped)


async def _paced(
    effort: Effort, pairs: Mapping[str, Pair], per_second: int, seconds: int
) -> Mapping[str, Sequence[Heard]]:
    return await taking_turns(
        rounds(effort, ROUNDS),
        {
            name: partial(pair.at_pace, per_second * seconds, per_second)
            for name, pair in pairs.items()
        },
    )
