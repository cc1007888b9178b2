"""`python -m app restore`: a backup becomes the log of the service, on whatever engine."""

import argparse
import sys
from pathlib import Path

from app.cli.reading import Commands, Refused, reading
from app.runtime.event_log import open_event_log
from app.runtime.event_log.restore import restore
from app.settings import read_settings


def add_to(commands: Commands) -> None:
    """Let it be said on the command line."""
    found = commands.add_parser(
        "restore",
        help="fill an empty event log from a backup",
        description="Stores all that is in a backup in the event log that APP_EVENT_LOG names, "
        "which must be empty: a file, a database or a stream, whatever the backup was made of. "
        "When it breaks off, say it again: it goes on from there. No service may run. docs/log.md "
        "says what follows.",
    )
    found.add_argument("file", type=Path, metavar="FILE", help="what `backup` has written")
    found.set_defaults(run=run, deed="restore")


def run(options: argparse.Namespace) -> int:
    """Fill the log."""
    url = read_settings().event_log
    if url == "memory://":
        raise Refused("memory:// ends with its process: name another log with APP_EVENT_LOG")
    if not options.file.is_file():
        raise Refused(f"there is no {options.file}: it is to be what `backup` has written")
    with reading(f"sqlite:///{options.file}") as backup:
        end = restore(backup, open_event_log(url), _progress)
    print(f"{end:,} entries restored; now: python -m app check")
    return 0


def _progress(whole: int, stored: int) -> None:
    if stored % 50_000 == 0 and stored != whole:
        print(f"{stored:,} of {whole:,} entries stored", file=sys.stderr)
