"""From a command to the sender's own event, with one client and with a hundred, beside the peers.

With a hundred each of them sends in its turn, when everybody has heard the event before. A server
that tells its sender first, as the service does, is quick for whoever waits; others tell it in the
order in which clients have come, so that the median is that of the fiftieth.
"""

from __future__ import annotations

from functools import partial

from benchmarks.measure import Effort, Figure, taking_turns
from benchmarks.peers import results
from benchmarks.peers.pair import together
from benchmarks.peers.peer import OURS, TUTORIAL, everybody
from benchmarks.peers.rows import Part, fewer, rounds

COMMANDS = {1: 500, 100: 100}
BARS = {1: 1.0, 100: 0.6}


async def measure(effort: Effort) -> list[Figure]:
    """The figures of this module."""
    peers, skipped = everybody()
    part = Part()
    for clients, commands in COMMANDS.items():
        async with together(peers, clients) as pairs:
            heard = await taking_turns(
                rounds(effort),
                {
                    name: partial(pair.closed, fewer(commands, pair.peer.slowness), 1, in_turn=True)
                    for name, pair in pairs.items()
                },
            )
        words = f"{clients} client{'s' if clients > 1 else ''}"
        took = part.row(f"to the own event, {words}", "µs", heard, lambda one: one.own_p50)
        part.ratio(took, OURS, TUTORIAL, BARS[clients])
        part.row(f"CPU of a command, {words}", "µs", heard, lambda one: 1e6 * one.cpu / one.acks)
    return results.keep("round_trip", effort, part, peers, skipped)
