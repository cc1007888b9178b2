"""What a part of the comparison has found: for each figure, a value a round for each peer."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import TypeAlias

from benchmarks.machine import describe
from benchmarks.measure import QUICK, Effort, Figure
from benchmarks.peers.pair import Heard

Values: TypeAlias = Mapping[str, Sequence[float]]
"""By the names of the peers."""


@dataclass(frozen=True, slots=True)
class Row:
    """One figure of all peers."""

    name: str
    unit: str
    values: Values

    def of(self, peer: str) -> float | None:
        """The median of one peer, if it is there."""
        found = self.values.get(peer)
        return median(found) if found else None


@dataclass(frozen=True, slots=True)
class Part:
    """All that one module has found: the rows, and the bars that they are held to."""

    rows: list[Row] = field(default_factory=list)
    figures: list[Figure] = field(default_factory=list)
    machine: Mapping[str, str] = field(default_factory=describe)
    """As it was before: made first, the part says what it was taken on."""

    def row(
        self,
        name: str,
        unit: str,
        heard: Mapping[str, Sequence[Heard]],
        of: Callable[[Heard], float],
    ) -> Row:
        """Add a figure of every round."""
        found = Row(name, unit, {peer: list(map(of, some)) for peer, some in heard.items()})
        self.rows.append(found)
        return found

    def single(self, name: str, unit: str, values: Mapping[str, float]) -> Row:
        """Add a figure that is taken once."""
        found = Row(name, unit, {peer: [value] for peer, value in values.items()})
        self.rows.append(found)
        return found

    def ratio(self, row: Row, one: str, other: str, at_most: float | None = None) -> None:
        """Add how many times the other's the one's is, if both are there."""
        a, b = row.of(one), row.of(other)
        if a is not None and b:
            self.figures.append(Figure(f"{row.name}: ÷ {other}", a / b, "x", at_most=at_most))

    def ratios(self, row: Row, one: str, bars: Mapping[str, float]) -> None:
        """Add the ratios to several others, each with its bar."""
        for other, bar in bars.items():
            self.ratio(row, one, other, bar)


def fewer(commands: int, slowness: int, in_flight: int = 1) -> int:
    """Commands in whole volleys, fewer for a peer that is slow."""
    return max(1, commands // slowness // in_flight) * in_flight


def rounds(effort: Effort, most: int = 7) -> int:
    """How many are enough."""
    return min(effort.rounds, most) if effort is not QUICK else 2


def names(rows: Iterable[Row]) -> list[str]:
    """The peers, in the order of their first appearance."""
    return list(dict.fromkeys(peer for row in rows for peer in row.values))
