"""What several nodes on one log tell a crowd, when each has the same fixed share of a core.

So a node more is more of the machine, as it is where each has a machine of its own. The clients are
a program in C on a core of their own, which checks that each of them hears each event once and in
order; they must not be what limits.
"""

from __future__ import annotations

import json
from contextlib import ExitStack

from benchmarks.engines import POSTGRES, engine, nodes
from benchmarks.measure import Effort, Figure, progress
from benchmarks.peers.load import loading, open_many_files
from benchmarks.production import authorization
from benchmarks.share import share

SHARE = 0.3
COUNTS = (1, 2, 3)
CLIENTS, COMMANDS, AT_ONCE = 3_000, 320, 8
ACTION = {"AddStock": {"product_id": "tea", "quantity": 1}}
COMMAND = json.dumps(
    {"type": "command", "action": ACTION, "id": "c-########"}, separators=(",", ":")
)


async def measure(effort: Effort) -> list[Figure]:
    """The figures of this module."""
    open_many_files()
    figures: list[Figure] = []
    before = 0.0
    for count in COUNTS:
        name = f"{count} node{'s' if count > 1 else ''}"
        progress(f"a crowd of {CLIENTS:,} on {name}")
        found = await _told(name, count, effort)
        figures += found
        if before:
            words = f"{name} ÷ {count - 1}: delivered"
            figures.append(Figure(words, found[0].value / before, "x", at_least=1))
        before = found[0].value
    return figures


async def _told(name: str, count: int, effort: Effort) -> list[Figure]:
    """Eight commands at a time by one client; the next when all have heard all of them."""
    path = "/api/v1/ws?topics=inventory"
    with engine(POSTGRES) as url:
        async with nodes(url, count) as found:
            ports = [server.port for server in found]
            async with loading(
                name, ports, CLIENTS, path, authorization(), COMMAND, '{"type":"subscribed"'
            ) as crowd:
                with ExitStack() as held:
                    for server in found:
                        held.enter_context(share(server.pid, SHARE))
                    await crowd.ask(f"closed {5 * AT_ONCE} {AT_ONCE} 0")
                    before = sum(server.cpu() for server in found)
                    heard = await crowd.ask(f"closed {effort.of(COMMANDS)} {AT_ONCE} 0")
                    used = sum(server.cpu() for server in found) - before
    told, seconds = heard["delivered"], heard["seconds"]
    return [
        Figure(f"{name}: delivered", told / seconds, "/s"),
        Figure(f"{name}: CPU of all nodes", 1e6 * used / told, "µs each"),
        Figure(f"{name}: of the share of all nodes", 100 * used / seconds / count / SHARE, "%"),
        Figure(
            f"{name}: of the clients' core", 100 * heard["client_cpu"] / seconds, "%", at_most=70
        ),
    ]
