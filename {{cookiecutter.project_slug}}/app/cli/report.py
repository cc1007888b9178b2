"""What `check` has found, for people and for programs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from difflib import unified_diff
from itertools import groupby
from typing import Any

import orjson

from app.cli.reading import counted, named, parsed, shortened
from app.observe.printable import printable
from app.runtime.check import CannotBeRead, DecidedDifferently, Difference, Ending
from app.runtime.compare import StateDiffers
from app.runtime.event_log.port import Entry
from app.runtime.replay import REMEDY

SHOWN = 50
DIFF_LINES = 40
LINES_OF_A_SIDE = 15
LETTERS = 160


@dataclass(slots=True)
class Found:
    """The differences of one kind: how many, and the first of them."""

    count: int = 0
    first: list[Difference] = field(default_factory=list)

    def add(self, difference: Difference) -> None:
        """One more."""
        self.count += 1
        if len(self.first) < SHOWN:
            self.first.append(difference)


class Report:
    """Counts the differences, and keeps the first of each kind."""

    def __init__(self, event_log: str, epoch: str, snapshot: int | None) -> None:
        """Of the log of this address, which holds no password.

        `snapshot` is the position at which the State could be compared, if at any.
        """
        self.unsure_after: int | None = None
        self._event_log, self._epoch = event_log, epoch
        self._snapshot = snapshot
        self._entries = 0
        self._unreadable, self._states, self._decisions = Found(), Found(), Found()

    def counted(self, entries: Iterable[Entry]) -> Iterator[Entry]:
        """Pass the entries on, and count them."""
        for entry in entries:
            self._entries += 1
            yield entry

    def add(self, difference: Difference) -> None:
        """One difference more."""
        match difference:
            case CannotBeRead():
                self._unreadable.add(difference)
            case StateDiffers():
                self._states.add(difference)
            case DecidedDifferently():
                self._decisions.add(difference)

    @property
    def differs(self) -> bool:
        """Whether there is any difference."""
        return bool(self._unreadable.count or self._states.count or self._decisions.count)

    def as_json(self) -> str:
        """One object, with the first differences of each kind."""
        kinds = {
            "unreadable": self._unreadable,
            "states": self._states,
            "decisions": self._decisions,
        }
        whole: dict[str, Any] = {
            "event_log": self._event_log,
            "epoch": self._epoch,
            "entries": self._entries,
            "snapshot": self._snapshot,
            "unsure_after": self.unsure_after,
            "counts": {name: found.count for name, found in kinds.items()},
        }
        whole |= {name: [asdict(each) for each in found.first] for name, found in kinds.items()}
        return printable(orjson.dumps(whole).decode())

    def as_text(self) -> str:
        """Every kind under its heading, and one line that sums up."""
        lines: list[str] = []
        for heading, found in (
            (f"These entries cannot be read ({REMEDY}):", self._unreadable),
            ("The State comes out different (- in the snapshot, + now):", self._states),
            ("These commands would be decided differently (- then, + now):", self._decisions),
        ):
            if found.count:
                lines += [heading, ""]
                for difference in found.first:
                    lines += [*_told(difference), ""]
                if found.count > SHOWN:
                    lines += [f"… and {found.count - SHOWN:,} more", ""]
        return "\n".join(map(printable, [*lines, *self._summary()]))

    def _summary(self) -> Iterator[str]:
        if self.unsure_after is not None:
            yield f"What is told of positions after {self.unsure_after} may only follow from what"
            yield "cannot be read there: the State went on without it."
        read = counted(self._entries, "entry", "entries")
        states = f"{counted(self._states.count, 'difference', 'differences')} of the State"
        if self._snapshot is None:
            yield "There is no snapshot yet, so the State has nothing to be compared with."
            states = "the State was not compared"
        decisions = counted(self._decisions.count, "command", "commands")
        yield (
            f"{self._event_log}: {read} read: {self._unreadable.count:,} cannot be read, "
            f"{states}, {decisions} decided differently."
        )


def _told(difference: Difference) -> Iterator[str]:
    match difference:
        case CannotBeRead(position, part, words, text):
            yield f"position {position}, {part}: {words}"
            yield f"    {shortened(text, LETTERS)}"
        case StateDiffers(position, name, key, then, now):
            yield f"position {position}, {name} {key}".rstrip()
            yield from _diff(_pretty(parsed(then)), _pretty(parsed(now)))
        case DecidedDifferently(position, by, action, then, now):
            yield f"position {position}, {by}: {shortened(named(action), LETTERS)}"
            yield from _diff(_ending(then), _ending(now))


def _ending(ending: Ending) -> list[str]:
    if ending.refused is not None:
        return [f"refused: {ending.refused}"]
    if not ending.events:
        return ["accepted, without an event"]
    lines = []
    for event, effects in ending.events:
        lines += _pretty(parsed(event))
        if effects is not None:
            lines += ["asks for", *_pretty(parsed(effects))]
    return lines


def _diff(then: list[str], now: list[str]) -> Iterator[str]:
    """What was taken away and what was added, a few lines around it, indented."""
    whole = list(unified_diff(then, now, lineterm="", n=2))[2:]  # without its two headings
    lines = list(_both_sides(whole))
    for line in lines[:DIFF_LINES]:
        yield f"    {shortened(line, LETTERS)}"
    if len(lines) > DIFF_LINES:
        yield f"    … and {counted(len(lines) - DIFF_LINES, 'line', 'lines')} more"


def _both_sides(lines: list[str]) -> Iterator[str]:
    """The lines of a diff, but not so many of what was that there is no room for what is."""
    for side, run in groupby(lines, key=lambda line: line[0]):
        some = list(run)
        yield from some[:LINES_OF_A_SIDE]
        if len(some) > LINES_OF_A_SIDE:
            left = counted(len(some) - LINES_OF_A_SIDE, "line", "lines")
            yield f"{side}… and {left} more"


def _pretty(value: Any) -> list[str]:
    if value is None:
        return []
    return orjson.dumps(value, option=orjson.OPT_INDENT_2).decode().split("\n")
