"""Commands that are safe on the disk before anybody hears of them, beside a peer that commits, too.

The service on SQLite, and the tutorial's loop with a commit for each command; both with
`synchronous=FULL`, so that each commit waits for the disk. A hundred clients hear each event; one
sends, with so many commands in flight that the service may put several in one commit.
"""

from __future__ import annotations

from functools import partial

from benchmarks.measure import Effort, Figure, Missing, taking_turns
from benchmarks.peers import results
from benchmarks.peers.pair import together
from benchmarks.peers.peer import OURS, TUTORIAL, ours, tutorial
from benchmarks.peers.rows import Part, rounds

CLIENTS = 100
COMMANDS = 240
IN_FLIGHT = (1, 8)


async def measure(effort: Effort) -> list[Figure]:
    """The figures of this module."""
    peers, skipped = [ours(event_log="sqlite:///events.db")], {}
    try:
        peers.append(tutorial(file="events.db"))
    except Missing as reason:
        skipped[TUTORIAL] = str(reason)
    part = Part()
    async with together(peers, CLIENTS) as pairs:
        for number in IN_FLIGHT:
            commands = max(number, effort.of(COMMANDS) // number * number)
            heard = await taking_turns(
                rounds(effort),
                {name: partial(pair.closed, commands, number) for name, pair in pairs.items()},
            )
            words = f"{number} in flight"
            cpu = part.row(f"CPU, {words}", "µs", heard, lambda one: one.cpu_per_message)
            part.ratio(cpu, OURS, TUTORIAL)
            pace = part.row(
                f"commands, {words}", "/s", heard, lambda one: one.delivered / CLIENTS / one.seconds
            )
            part.ratio(pace, OURS, TUTORIAL)
            part.row(f"to the own event, {words}", "ms", heard, lambda one: one.own_p50 / 1e3)
    return results.keep("durable", effort, part, peers, skipped)
