"""Opens a log as the service does at its start, in a process of its own, and tells what it took.

Run as `python -m benchmarks.opened LOG OPTIONS`; prints one JSON object.
"""

from __future__ import annotations

import argparse
import asyncio
import ctypes
import gc
import json
import sys
from asyncio.subprocess import PIPE
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from time import perf_counter, process_time

import structlog
import uvloop
from app.adapters import open_ports
from app.cli.reading import prepare_for_many_objects
from app.core.effects import Delay, Durable
from app.core.environment import Environment
from app.domain import Command, Effect, Event, State
from app.domain.notifications.actions import NotificationCreated
from app.runtime import snapshot
from app.runtime.event_log.sqlite import SqliteLog
from app.runtime.store import open_store

from benchmarks.shop import ShopRules, shop_rules

EXPIRY, NOTIFICATIONS, SNAPSHOT = "expiry", "notifications", "snapshot"


@dataclass(frozen=True, slots=True)
class Opened:
    """What a start took: seconds until commands are taken, and bytes that stay."""

    orders: int
    entries: int
    wall: float
    cpu: float
    rss: int


async def opened(log: Path, *, without: Sequence[str] = (), save: bool = False) -> Opened:
    """Open the log in a fresh process; `without` leaves out a part of what it holds.

    With `save` it leaves a snapshot to those who open it next, as every service does; without, it
    leaves the log as it was.
    """
    options = [f"--without={part}" for part in without] + ["--save"] * save
    command = [sys.executable, "-m", "benchmarks.opened", str(log), *options]
    process = await asyncio.create_subprocess_exec(*command, stdout=PIPE)
    said, _ = await process.communicate()
    if process.returncode:
        raise RuntimeError(f"opening {log} ended with status {process.returncode}")
    return Opened(**json.loads(said))


def main() -> None:
    """Open it, and say so."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("log", type=Path)
    parts = (EXPIRY, NOTIFICATIONS, SNAPSHOT)
    parser.add_argument("--without", action="append", default=[], choices=parts)
    parser.add_argument("--save", action="store_true")
    options = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(30))
    rules = lessened(shop_rules(), options.without)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        found = runner.run(_open(options.log, rules, save=options.save))
    sys.stdout.write(json.dumps(found))


async def _open(path: Path, rules: ShopRules, *, save: bool) -> dict[str, float]:
    prepare_for_many_objects()
    if not save:
        snapshot.ENTRIES_BETWEEN = snapshot.ENTRIES_AT_THE_END = sys.maxsize
    log = SqliteLog(path)
    before = resident()
    wall, cpu = perf_counter(), process_time()
    try:
        async with open_ports() as ports, open_store(log, rules, ports) as store:
            wall, cpu = perf_counter() - wall, process_time() - cpu
            rss = resident() - before
            orders = len(store.state.orders.ids)
            return {"orders": orders, "entries": store.seq, "wall": wall, "cpu": cpu, "rss": rss}
    finally:
        await log.close()


def resident() -> int:
    """Bytes of memory that this process has now, when all that is free was given back."""
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096


def lessened(rules: ShopRules, without: Sequence[str]) -> ShopRules:
    """The rules, but for these parts: what a part takes is the difference that it makes."""
    if SNAPSHOT in without:
        rules = replace(rules, fingerprint="of another edition")
    if EXPIRY in without:
        rules = _without_expiry(rules)
    return _without_notifications(rules) if NOTIFICATIONS in without else rules


def _without_expiry(rules: ShopRules) -> ShopRules:
    def decode_effects(text: str) -> list[Durable[Command]]:
        return [each for each in rules.decode_effects(text) if not isinstance(each, Delay)]

    return replace(rules, decode_effects=decode_effects)


def _without_notifications(rules: ShopRules) -> ShopRules:
    def reduce(
        state: State, action: Command | Event, env: Environment
    ) -> tuple[State, Sequence[Effect]]:
        return (
            (state, [])
            if isinstance(action, NotificationCreated)
            else rules.reduce(state, action, env)
        )

    return replace(rules, reduce=reduce)


if __name__ == "__main__":
    main()
