"""How much the service carries: so many clients hear so many events a second, and lose none.

    python -m bench.load --connections 1000 --rate 100 --seconds 10

It starts the service itself, with an event log in memory and its limits lifted; with --url it
loads one that runs already. Every client has to hear every event once and in order, otherwise the
exit status is 1; it is 2 when the service refuses.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from pathlib import Path

if __name__ == "__main__":  # also as a file: what it imports lies beside its folder
    sys.path[:0] = [str(Path(__file__).resolve().parent.parent)]

from bench.report import Report
from bench.run import Plan, Refused, load
from bench.service import serving

try:
    import uvloop
except ImportError:  # there is none for this system: the tool takes more CPU
    NEW_LOOP: Callable[[], asyncio.AbstractEventLoop] = asyncio.new_event_loop
else:
    NEW_LOOP = uvloop.new_event_loop

COMMANDS = Path(__file__).parent


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the command line says; the exit status."""
    options = parser().parse_args(arguments)
    try:
        with asyncio.Runner(loop_factory=NEW_LOOP) as runner:
            report = runner.run(run(options))
    except (Refused, OSError) as refusal:
        print(f"cannot go on: {refusal}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130  # as a shell reports it
    print(report.json() if options.json else report.text())
    return 0 if report.is_whole else 1


def parser() -> argparse.ArgumentParser:
    """What can be said on the command line."""
    found = argparse.ArgumentParser(
        prog="python -m bench.load",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    found.add_argument("--connections", type=_positive(int), default=100, help="how many listen")
    found.add_argument("--rate", type=_positive(float), default=100, help="commands a second")
    found.add_argument("--seconds", type=_positive(float), default=10, help="for how long")
    found.add_argument("--url", help="a service that runs: http://host:port, perhaps with a query")
    found.add_argument("--token", help="who is asking; by default nobody in particular")
    found.add_argument("--topics", type=lambda text: text.split(","), help="with commas between")
    found.add_argument("--command", type=_json, help="as JSON; it has to lead to an event")
    found.add_argument("--pid", type=int, help="the service's process, if it cannot be found")
    found.add_argument("--json", action="store_true", help="print the figures as JSON")
    return found


async def run(options: argparse.Namespace) -> Report:
    """Load the service that is named, or one of its own; raises Refused."""
    async with AsyncExitStack() as opened:
        url, pid = options.url, options.pid
        if url is None:
            url, pid = await opened.enter_async_context(serving(options.connections))
        return await load(
            Plan(
                url=url,
                connections=options.connections,
                rate=options.rate,
                seconds=options.seconds,
                command=options.command or default_command(),
                token=options.token,
                topics=options.topics,
                pid=pid,
            )
        )


def default_command() -> object:
    """The command of a file beside this one: of a feature that is there."""
    for file in sorted(COMMANDS.glob("*.json")):
        return json.loads(file.read_text())
    raise Refused("say which --command to give, as JSON: there is no *.json beside bench/load.py")


def _json(text: str) -> object:
    try:
        return json.loads(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text} is not JSON: {error}") from None


def _positive(kind: Callable[[str], float]) -> Callable[[str], float]:
    def positive(text: str) -> float:
        number = kind(text)
        if not 0 < number < 1e6:
            raise argparse.ArgumentTypeError(f"{text} is not between 0 and a million")
        return number

    return positive


if __name__ == "__main__":
    sys.exit(main())
