"""`python -m app restore`: a backup becomes the log of the service, on whatever engine."""

import argparse
import sys
from pathlib import Path

from app.cli.reading import Commands, Refused, counted, reading
from app.runtime.event_log import open_event_log
from app.runtime.restore import restore
from app.settings import read_settings, unknown_settings


def add_to(commands: Commands) -> None:
    """Let it be said on the command line."""
    found = commands.add_parser(
        "restore",
        help="fill an empty event log from a backup",
        description="Stores all that is in a backup in the event log that APP_EVENT_LOG names, "
        "which must be empty: a file, a database or a stream, whatever the backup was made of. "
        "When it breaks off, say it again: it goes on from there. It is refused "
        "while a service runs on that log. docs/log.md says what follows.",
    )
    found.add_argument("file", type=Path, metavar="FILE", help="what `backup` has written")
    found.set_defaults(run=run, deed="restore")


def run(options: argparse.Namespace) -> int:
    """Fill the log."""
    settings, file = read_settings(), options.file
    if unknown := unknown_settings():  # what is to be filled may be another one than is meant
        raise Refused(f"there is no setting {', '.join(unknown)}: is it misspelt?")
    url, target = settings.event_log, settings.shown_event_log
    if url == "memory://":
        raise Refused("memory:// ends with its process: name another log with APP_EVENT_LOG")
    if file.is_dir():
        raise Refused(f"{file} is a folder: name a file in it, which `backup` has written")
    if not file.is_file():
        raise Refused(f"there is no {file}: it is to be what `backup` has written")
    if _is_file(url, file):
        raise Refused(f"{file} is the event log itself: name another log with APP_EVENT_LOG")
    with reading(f"sqlite:///{file}") as backup:
        whole = counted(backup.end, "entry", "entries")
        stored = restore(backup, open_event_log(url), _progress)
    if stored:
        entries = counted(stored, "entry", "entries")
        print(f"stored {entries} in {target}; now: python -m app check")
    else:
        print(f"{target} has all of the backup ({whole}) already: nothing was stored")
    return 0


def _is_file(url: str, file: Path) -> bool:
    """Whether an event log lies in this very file, by whatever name."""
    path = Path(url.removeprefix("sqlite:///"))
    return url.startswith("sqlite:///") and path.exists() and path.samefile(file)


def _progress(whole: int, stored: int) -> None:
    if stored % 50_000 == 0 and stored != whole:
        print(f"{stored:,} of {whole:,} entries stored", file=sys.stderr)
