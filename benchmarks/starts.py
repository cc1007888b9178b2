"""How long a start takes: from every event of the log, and from a snapshot.

Each start is a process of its own, up to the moment in which commands are taken. A million events
are those of orders that went all their way: five events each, in seven entries, most of which also
ask for an effect or end one. Beside it stands a log of orders whose events ask for nothing. Starts
that read every event are the median of three.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from benchmarks.measure import WORK, Effort, Figure
from benchmarks.opened import SNAPSHOT, Opened, opened
from benchmarks.past import Past, written

EVENTS = 1_000_000
EVENTS_OF_AN_ORDER = 5  # placed, reserved, processing, shipped, notified
EVENTS_BY_THEMSELVES = 200_000
HELD = 100_000
ROUNDS = 3


async def measure(effort: Effort) -> list[Figure]:
    """The figures of this module."""
    plain = Past(effort.of(EVENTS_BY_THEMSELVES), saga=False)
    lived = Past(effort.of(EVENTS) // EVENTS_OF_AN_ORDER, shipped=True)
    processing, shipped = Past(effort.of(HELD)), Past(effort.of(HELD), shipped=True)
    by_itself, with_saga = await _replayed(plain), await _replayed(lived)
    return [
        Figure("replay, events that ask for nothing", plain.orders / by_itself.wall, "/s"),
        Figure(
            "replay, events of orders with their effects",
            lived.orders * EVENTS_OF_AN_ORDER / with_saga.wall,
            "/s",
            at_least=100_000,
        ),
        Figure("replay, entries of orders", with_saga.entries / with_saga.wall, "/s"),
        *await _from_snapshot("processing", processing, effort),
        *await _from_snapshot("shipped", shipped, effort),
    ]


async def _replayed(past: Past) -> Opened:
    log = await written(past)
    found = [await opened(log, without=[SNAPSHOT]) for _ in range(ROUNDS)]
    return _median(found)


async def _from_snapshot(name: str, past: Past, effort: Effort) -> list[Figure]:
    with TemporaryDirectory(dir=WORK) as folder:
        log = Path(shutil.copy(await written(past), folder))
        await opened(log, save=True)
        found = _median([await opened(log) for _ in range(effort.rounds)])
    seconds = found.wall * HELD / past.orders
    return [Figure(f"start from a snapshot, 100,000 orders {name}", seconds, "s", at_most=1)]


def _median(found: list[Opened]) -> Opened:
    middle = median(each.wall for each in found)
    return next(each for each in found if each.wall == middle)
