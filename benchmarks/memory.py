"""How much memory an order takes that the service holds.

The difference in resident memory that the replay of 100,000 orders makes in a fresh process, for
each order. What a part takes (the pending expiry in the table of effects, the notification of a
shipped order) is the difference to a process that leaves it out. Repetitions differ by less than
one percent, so that each is measured once; some megabytes of caches count as well, so that a
quick run, with few orders, gives too much for each and knows no bars.
"""

from __future__ import annotations

from benchmarks.measure import Effort, Figure
from benchmarks.opened import EXPIRY, NOTIFICATIONS, opened
from benchmarks.past import Past, written

HELD = 100_000
MOST = {1: 600, 3: 900}
LINES = {1: "one item", 3: "three items"}


async def measure(effort: Effort) -> list[Figure]:
    """The figures of this module."""
    figures = await _figures(effort, 1)
    if not effort.is_whole:
        return figures
    unlike, named = Past(HELD, lines=3, unlike=True), Past(HELD, with_ids=True)
    return [
        *figures,
        *await _figures(effort, 3),
        Figure("processing, three items unlike all others", await _bytes(unlike), "B"),
        Figure("processing, one item, ids of the clients'", await _bytes(named), "B"),
    ]


async def _figures(effort: Effort, lines: int) -> list[Figure]:
    name, most = LINES[lines], MOST[lines] if effort.is_whole else None
    processing = Past(effort.of(HELD), lines)
    shipped = Past(effort.of(HELD), lines, shipped=True)
    waiting, told = await _bytes(processing), await _bytes(shipped)
    bare = await _bytes(processing, EXPIRY)
    untold = await _bytes(shipped, NOTIFICATIONS)
    return [
        Figure(f"processing, {name}, its pending expiry included", waiting, "B"),
        Figure(f"processing, {name}", bare, "B", at_most=most),
        Figure(f"· its pending expiry, {name}", waiting - bare, "B"),
        Figure(f"shipped, {name}, its notification included", told, "B"),
        Figure(f"shipped, {name}", untold, "B", at_most=most),
        Figure(f"· its notification, {name}", told - untold, "B"),
    ]


async def _bytes(past: Past, *without: str) -> float:
    found = await opened(await written(past), without=without)
    return found.rss / past.orders
