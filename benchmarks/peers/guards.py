"""What tokens, limits, policy, metrics and log lines cost, of what a message costs.

Beside the service as in production a second one runs in which nobody is asked who it is, every
command is allowed, nothing is counted, neither against limits nor for metrics, and nothing is
logged (`servers/bare.py`). The rest is the same, as is what is asked of it: a thousand clients.
"""

from __future__ import annotations

from functools import partial

from benchmarks.measure import Effort, Figure, taking_turns
from benchmarks.peers import results
from benchmarks.peers.pair import together
from benchmarks.peers.peer import OURS, bare, ours
from benchmarks.peers.rows import Part, rounds

BARE = "without all that"
CLIENTS = 1_000
COMMANDS = 96
IN_FLIGHT = (1, 8)


async def measure(effort: Effort) -> list[Figure]:
    """The figures of this module."""
    peers = [ours(), bare(BARE)]
    part = Part()
    async with together(peers, CLIENTS) as pairs:
        opened = part.single(
            "CPU of a handshake",
            "µs",
            {name: 1e6 * pair.handshakes / CLIENTS for name, pair in pairs.items()},
        )
        part.ratio(opened, OURS, BARE)
        for number in IN_FLIGHT:
            commands = max(number, effort.of(COMMANDS) // number * number)
            heard = await taking_turns(
                rounds(effort),
                {name: partial(pair.closed, commands, number) for name, pair in pairs.items()},
            )
            words = f"{number} in flight"
            cpu = part.row(f"CPU, {words}", "µs", heard, lambda one: one.cpu_per_message)
            p50 = part.row(f"p50, {words}", "ms", heard, lambda one: one.p50 / 1e3)
            part.ratio(cpu, OURS, BARE, 1.15)
            part.ratio(p50, OURS, BARE, 1.15)
    return results.keep("guards", effort, part, peers, {})
