"""Measures what was asked for, prints the table, and writes it down."""

from __future__ import annotations

import argparse
import asyncio
import sys
from importlib import import_module

import structlog
import uvloop

from benchmarks import machine, report
from benchmarks.measure import FULL, QUICK, Figure, Missing, progress
from benchmarks.peers import PARTS

MODULES = (
    "durable_commands",
    "http_orders",
    "socket_commands",
    "fan_out",
    "stuck_readers",
    "starts",
    "memory",
    "nodes",
    "nodes_fan_out",
    *PARTS,
)
GROUPS = {"nodes": ("nodes", "nodes_fan_out"), "peers": PARTS}


def main() -> int:
    """Run the measurements; 1 when a bar was missed."""
    known = (*MODULES, *GROUPS)
    parser = argparse.ArgumentParser(prog="python3 dev.py bench", description=__doc__)
    parser.add_argument("names", nargs="*", help=f"which to run, of {', '.join(known)}; or all")
    parser.add_argument("--quick", action="store_true", help="a rough figure in a minute")
    options = parser.parse_args()
    if unknown := set(options.names) - set(known):
        parser.error(f"there is no {', '.join(unknown)}; there are {', '.join(known)}")
    chosen = [part for name in options.names for part in GROUPS.get(name, (name,))]
    # All are imported first: a mistake in the last is not to cost what the others have found.
    measures = {name: import_module(f"benchmarks.{name}").measure for name in chosen or MODULES}
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(30))
    about = machine.describe()
    say("  ".join(f"{name} {value}" for name, value in about.items()))
    figures: dict[str, list[Figure]] = {}
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        for name, measure in measures.items():
            try:
                figures[name] = runner.run(measure(QUICK if options.quick else FULL))
            except Missing as reason:
                say(f"\n{name}\n  skipped: {reason}")
                continue
            progress("")
            say(f"\n{name}\n{table(figures[name])}")
    if not options.names and not options.quick:
        report.keep(about, figures)
    return int(any(figure.is_missed for some in figures.values() for figure in some))


def say(words: str) -> None:
    """A piece of what people read."""
    sys.stdout.write(f"{words}\n")
    sys.stdout.flush()


def table(figures: list[Figure]) -> str:
    """The figures, one a line."""
    width = max(len(figure.name) for figure in figures)
    return "\n".join(
        f"  {figure.name:{width}}  {report.text(figure):>12}  {figure.bar:10} "
        f"{'MISSED' if figure.is_missed else ''}".rstrip()
        for figure in figures
    )


if __name__ == "__main__":
    sys.exit(main())
