"""What a measurement is: samples of two sides taken in turns, their medians, and a bar."""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from time import clock_gettime
from typing import TypeVar

T = TypeVar("T")

WORK = Path(__file__).resolve().parent.parent / ".dev" / "bench"


class Missing(Exception):
    """This cannot be had or measured here, and why."""


@dataclass(frozen=True, slots=True)
class Effort:
    """How much is measured: so many rounds, of so large a share of the usual work."""

    rounds: int = 7
    share: float = 1.0

    @property
    def is_whole(self) -> bool:
        """Whether nothing is left out."""
        return self.share == 1

    def of(self, count: int) -> int:
        """So many things, or fewer in a hurry."""
        return round(count * self.share)


FULL = Effort()
QUICK = Effort(rounds=3, share=0.1)


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the table. Without a bar it is for information."""

    name: str
    value: float
    unit: str
    at_least: float | None = None
    at_most: float | None = None

    @property
    def is_missed(self) -> bool:
        """Whether the value does not reach its bar."""
        too_low = self.at_least is not None and self.value < self.at_least
        return too_low or (self.at_most is not None and self.value > self.at_most)

    @property
    def bar(self) -> str:
        """The bar in words."""
        if self.at_least is not None:
            return f"≥ {self.at_least:,g}"
        return "" if self.at_most is None else f"≤ {self.at_most:,g}"


@dataclass(frozen=True, slots=True)
class Sample:
    """One round of one side; seconds, and the latency of each unit where somebody waited."""

    units: int
    wall: float
    cpu: float
    latencies: Sequence[float] = ()


@dataclass(frozen=True, slots=True)
class Side:
    """All rounds of one side, as medians."""

    samples: Sequence[Sample]

    @property
    def cpu(self) -> float:
        """Microseconds of CPU a unit, of all threads and of the kernel on their behalf."""
        return median(1e6 * sample.cpu / sample.units for sample in self.samples)

    @property
    def per_second(self) -> float:
        """Units a second, by the clock on the wall."""
        return median(sample.units / sample.wall for sample in self.samples)

    def latency(self, percent: float) -> float:
        """Milliseconds within which so many percent of the units were done."""
        return median(_percentile(sample.latencies, percent) for sample in self.samples) * 1e3


async def taking_turns(
    rounds: int, sides: Mapping[str, Callable[[], Awaitable[T]]]
) -> dict[str, list[T]]:
    """Every side once a round, forwards and backwards by turns, after a round that counts for none.

    What else the machine does then befalls all sides alike.
    """
    found: dict[str, list[T]] = {name: [] for name in sides}
    for number in range(rounds + 1):
        for name in list(sides) if number % 2 else reversed(list(sides)):
            progress(f"round {number} of {rounds}: {name}")
            sample = await sides[name]()
            if number:
                found[name].append(sample)
    return found


async def in_turns(
    rounds: int, sides: Mapping[str, Callable[[], Awaitable[Sample]]]
) -> dict[str, Side]:
    """The samples of all sides, taken in turns."""
    found = await taking_turns(rounds, sides)
    return {name: Side(samples) for name, samples in found.items()}


def progress(words: str) -> None:
    """Show what is going on, on a terminal, in the place of what was shown before."""
    if sys.stderr.isatty():
        sys.stderr.write(f"\r\x1b[K{words}")
        sys.stderr.flush()


def cpu_of(pid: int) -> float:
    """Seconds of CPU that a process has had: all its threads, and the kernel on their behalf."""
    return clock_gettime((~pid << 3) | 2)  # the kernel's CPUCLOCK_SCHED of that process


def _percentile(values: Sequence[float], percent: float) -> float:
    ranked = sorted(values)
    return ranked[min(len(ranked) - 1, int(len(ranked) * percent / 100))]
