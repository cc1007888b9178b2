"""Runs many schedules: `python -m tests.simulation --schedules 1000 --first-seed 1`."""

# ruff: noqa: T201 - a command line prints

from __future__ import annotations

import argparse
import gc
import sys
import time
import traceback
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from itertools import islice

from tests.simulation.schedule import simulate
from tests.simulation.violation import Violation

SEEDS_A_PIECE = 50


@dataclass(slots=True)
class Report:
    """How some schedules went: what was met in them, and what was violated, by seed."""

    schedules: int = 0
    met: Counter[str] = field(default_factory=Counter)
    failures: dict[int, str] = field(default_factory=dict)

    def add(self, other: Report) -> None:
        """Those and others."""
        self.schedules += other.schedules
        self.met += other.met
        self.failures |= other.failures


def run(seeds: Sequence[int]) -> Report:
    """Run the schedules of these seeds, one after another."""
    report = Report()
    for seed in seeds:
        report.schedules += 1
        try:
            report.met += simulate(seed).met
        except Violation as violation:
            cause = violation.__cause__
            lines = traceback.format_exception(cause) if cause and len(seeds) == 1 else []
            report.failures[seed] = "\n".join([str(violation), "".join(lines).rstrip()]).rstrip()
    return report


def tune() -> None:
    """Spare the garbage collector what never becomes garbage."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)


def pieces(seeds: Iterable[int]) -> Iterator[Sequence[int]]:
    """The seeds, some at a time."""
    rest = iter(seeds)
    while piece := list(islice(rest, SEEDS_A_PIECE)):
        yield piece


def reports(seeds: range, workers: int) -> Iterator[Report]:
    """A report now and then, from this process or from several."""
    if workers == 1:
        tune()
        yield from map(run, pieces(seeds))
        return
    with ProcessPoolExecutor(workers, initializer=tune) as pool:
        yield from pool.map(run, pieces(seeds))


def main() -> int:
    """Print how it goes, and how to see each failure again; 1 if there is any."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--schedules", type=int, default=1000, metavar="N", help="how many; 1000")
    parser.add_argument("--first-seed", type=int, default=1, metavar="N", help="of the first; 1")
    parser.add_argument("--workers", type=int, default=1, metavar="N", help="processes")
    asked = parser.parse_args()
    seeds = range(asked.first_seed, asked.first_seed + asked.schedules)
    total, began = Report(), time.monotonic()
    for report in reports(seeds, asked.workers):
        total.add(report)
        for seed, words in report.failures.items():
            print(f"\nseed {seed}: {words}")
            print(f"again: python -m tests.simulation --first-seed {seed} --schedules 1")
        rate = total.schedules / (time.monotonic() - began) * 60
        end = "\r" if sys.stdout.isatty() else "\n"
        if sys.stdout.isatty() or total.schedules % 1000 == 0:
            print(f"{total.schedules} schedules, {rate:.0f} a minute", end=end, flush=True)
    print(f"{total.schedules} schedules, {rate:.0f} a minute, {len(total.failures)} failed")
    print("How often commands ended in each way, and each trouble was met:")
    print(", ".join(f"{what} {count}" for what, count in total.met.most_common()))
    return 1 if total.failures else 0


if __name__ == "__main__":
    sys.exit(main())
