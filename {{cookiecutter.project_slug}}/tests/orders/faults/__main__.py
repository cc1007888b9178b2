"""Runs it: `python -m tests.orders.faults nats --clients 1000 --rate 300`."""

# ruff: noqa: T201 - a command line prints

from __future__ import annotations

import argparse
import asyncio
import resource
import sys
from functools import partial

import uvloop

from tests.orders.faults.rehearsal import rehearse

SHOWN = 20


def main() -> int:
    """One run; 1 when a promise was broken."""
    parser = argparse.ArgumentParser(prog="python -m tests.orders.faults", description=__doc__)
    parser.add_argument("engine", choices=("postgres", "nats"))
    parser.add_argument("--clients", type=int, default=1_000)
    parser.add_argument("--rate", type=float, default=300, help="commands a second")
    parser.add_argument("--calm", type=float, default=8, help="seconds between two faults")
    parser.add_argument("--pause", type=float, default=20, help="seconds of a pause, or of a cut")
    options = parser.parse_args()
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))  # the services inherit it
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        found = runner.run(
            rehearse(
                options.engine,
                clients=options.clients,
                per_second=options.rate,
                calm_seconds=options.calm,
                paused_seconds=options.pause,
                say=partial(print, flush=True),
            )
        )
    print(f"{found.commands:,} commands were acknowledged, {found.refused:,} refused for a while")
    print(f"{found.calm:.0f} a second between the faults, {found.rate:.0f} with them")
    print(
        f"{found.events:,} events, each heard by {found.heard:,} clients, in {found.seconds:.0f} s"
    )
    print(f"connections ended: {dict(sorted(found.codes.items()))}")
    for problem in found.wrong[:SHOWN]:
        print(f"wrong: {problem}")
    print(f"{len(found.wrong)} promises were broken")
    return int(bool(found.wrong))


if __name__ == "__main__":
    sys.exit(main())
