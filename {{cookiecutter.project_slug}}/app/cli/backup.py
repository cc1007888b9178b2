"""`python -m app backup`: a copy of the log, while the service runs."""

import argparse
import sqlite3
import sys
from pathlib import Path

from app.cli.reading import Commands, Refused, counted, reading, settings_of_a_command


def add_to(commands: Commands) -> None:
    """Let it be said on the command line."""
    found = commands.add_parser(
        "backup",
        help="copy the event log into a new file",
        description="Copies the event log as it is now into a new file, while the service runs. "
        "The copy is a log of its own, under a new epoch: clients of a service that runs on it "
        "begin anew. docs/log.md says how to restore it.",
    )
    found.add_argument("file", type=Path, metavar="FILE", help="must not be there yet")
    found.set_defaults(run=run, deed="back up the log")


def run(options: argparse.Namespace) -> int:
    """Copy the log."""
    file: Path = options.file
    if not file.parent.is_dir():
        raise Refused(f"there is no folder {file.parent}: make it first, or name another file")
    with reading(settings_of_a_command().event_log) as event_log:
        try:
            end = event_log.copy_to(file, _progress)
        except FileExistsError as problem:
            raise Refused(f"{problem}: name another file, or move that one away") from None
        except (OSError, sqlite3.Error) as problem:
            raise Refused(str(problem)) from None
    print(f"{file}: {counted(end, 'entry', 'entries')}, {file.stat().st_size:,} bytes")
    return 0


def _progress(whole: int, copied: int) -> None:
    if whole != copied:
        print(f"{copied:,} of {whole:,} copied", file=sys.stderr)
