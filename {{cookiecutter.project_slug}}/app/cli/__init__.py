"""The commands of `python -m app`; without one it serves."""

import argparse
import os
import sys
import traceback
from collections.abc import Sequence

from app.cli import backup, check, feature, log, replay, restore, schema, serve, token
from app.cli.reading import Refused
from app.core.rejected import StartRefused
from app.observe.printable import printable_lines

COMMANDS = (serve, token, log, replay, check, backup, restore, schema, feature)


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the command line says; the exit status."""
    options = parser().parse_args(arguments)
    try:
        status: int = options.run(options)
        sys.stdout.flush()
    except (Refused, StartRefused) as refusal:
        print(printable_lines(f"cannot {options.deed}: {refusal}"), file=sys.stderr)
        return int(options.refused)
    except KeyboardInterrupt:
        return 130  # as a shell reports it
    except BrokenPipeError:  # the reader of the output has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return int(options.refused)
    except Exception:  # of any kind: to let it out would end with 1, which is an answer of `check`
        print(printable_lines(traceback.format_exc()), end="", file=sys.stderr)
        return int(options.refused)
    return status


def parser() -> argparse.ArgumentParser:
    """What can be said on the command line: a command names its `run`, and what it is to do."""
    found = argparse.ArgumentParser(
        prog="python -m app",
        description="Serves, when there is no command. Settings are variables APP_… of the "
        "environment, or lines of .env; APP_EVENT_LOG says which log the commands read.",
    )
    serve.add_options_to(found)
    found.set_defaults(run=serve.run, deed=serve.DEED, refused=1)
    commands = found.add_subparsers(title="commands", metavar="COMMAND")
    for command in COMMANDS:
        command.add_to(commands)
    return found
