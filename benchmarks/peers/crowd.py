"""Ten thousand clients: what they cost while they say nothing, and what a message to each costs.

Memory is what the server's resident set has grown by when all have come, over the idle process; the
kernel's buffers are not in it. CPU while idle is over two rounds of keep-alive, as each server has
it by itself. Growth is the CPU of a message to ten thousand, over that to a hundred. At last all
are cut off at once and come back at once, to hear what they have missed.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from functools import partial
from urllib.request import Request, urlopen

from benchmarks.measure import Effort, Figure, taking_turns
from benchmarks.peers import results
from benchmarks.peers.pair import Pair, together
from benchmarks.peers.peer import FLOOR, NODE, OURS, TUTORIAL, everybody
from benchmarks.peers.rows import Part, Row, fewer, rounds

SIZES = {100: 200, 1_000: 48, 10_000: 8}
"""Clients, and how many commands a round are sent to them."""
QUICK_SIZES = {100: 40, 1_000: 8}
ROUNDS = 3
IDLE_SECONDS, QUICK_SECONDS = 42, 5
BACK = 3
KILOBYTE, MEGABYTE = 1 << 10, 1 << 20


async def measure(effort: Effort) -> list[Figure]:
    """The figures of this module."""
    peers, skipped = everybody()
    part = Part()
    sizes = SIZES if effort.is_whole else QUICK_SIZES
    told: list[Row] = []
    for clients, commands in sizes.items():
        async with together(peers, clients) as pairs:
            if clients == max(sizes):
                _held(part, pairs)
                await _idle(part, IDLE_SECONDS if effort.is_whole else QUICK_SECONDS, pairs)
            heard = await taking_turns(
                rounds(effort, ROUNDS),
                {
                    name: partial(pair.closed, fewer(commands, pair.peer.slowness), 1)
                    for name, pair in pairs.items()
                },
            )
            told.append(
                part.row(f"CPU, {clients:,} clients", "µs", heard, lambda one: one.cpu_per_message)
            )
            if clients == max(sizes):
                await _returned(part, pairs[OURS])
    _growth(part, told[0], told[-1])
    return results.keep("crowd", effort, part, peers, skipped)


def _held(part: Part, pairs: Mapping[str, Pair]) -> None:
    """Memory and CPU of those who have come."""
    grown = {name: pair.server.rss() - pair.base for name, pair in pairs.items()}
    each = part.single(
        "memory of an idle client",
        "KB",
        {name: grown[name] / pair.clients / KILOBYTE for name, pair in pairs.items()},
    )
    opened = part.single(
        "CPU of a handshake",
        "µs",
        {name: 1e6 * pair.handshakes / pair.clients for name, pair in pairs.items()},
    )
    part.figures.extend(
        [
            Figure("memory of an idle client", each.of(OURS) or 0, "KB", at_most=5),
            Figure("memory of all of them", grown[OURS] / MEGABYTE, "MB", at_most=50),
        ]
    )
    part.ratio(each, OURS, NODE, 0.5)
    part.ratio(opened, OURS, TUTORIAL, 0.6)


async def _idle(part: Part, seconds: float, pairs: Mapping[str, Pair]) -> None:
    """CPU of all of them at once, while nobody says anything."""
    before = {name: pair.server.cpu() for name, pair in pairs.items()}
    await asyncio.sleep(seconds)
    used = {name: pair.server.cpu() - before[name] for name, pair in pairs.items()}
    row = part.single(
        "CPU while idle", "% of a core", {name: 100 * cpu / seconds for name, cpu in used.items()}
    )
    part.ratio(row, OURS, TUTORIAL, 0.5)


async def _returned(part: Part, pair: Pair) -> None:
    """All come back, and hear the last few events once more; anything else raises."""
    known = json.loads(await asyncio.to_thread(_snapshot, pair))
    since = known["seq"] - BACK
    path = f"{pair.peer.path}?since={since}&epoch={known['epoch']}"
    heard = await pair.again(BACK, path, '{"type":"subscribed"')
    part.figures.extend(
        [
            Figure("back at once, with what they missed", pair.clients, ""),
            Figure("seconds until all were back", heard.seconds, "s"),
            Figure("CPU of coming back", 1e6 * heard.cpu / pair.clients, "µs"),
        ]
    )


def _snapshot(pair: Pair) -> bytes:
    name, value = pair.peer.headers.strip().split(": ")
    address = f"http://127.0.0.1:{pair.server.port}/api/v1/snapshot"
    with urlopen(Request(address, headers={name: value})) as answer:
        found: bytes = answer.read()
    return found


def _growth(part: Part, few: Row, many: Row) -> None:
    """How much more a message costs when there are many clients."""
    row = part.single(
        "growth of CPU",
        "x",
        {
            name: (many.of(name) or 0) / (few.of(name) or 1)
            for name in many.values
            if name in few.values
        },
    )
    part.ratio(row, OURS, FLOOR, 1.1)
