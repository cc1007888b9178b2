"""`python -m app log`: what happened, an entry a line."""

import argparse
import sys
from collections.abc import Iterator
from itertools import islice
from typing import Any

import orjson

from app.cli.reading import (
    Commands,
    Refused,
    count,
    instant,
    named,
    parsed,
    position,
    reading,
    settings_of_a_command,
    shortened,
)
from app.observe.printable import printable
from app.runtime.event_log.port import Entry
from app.runtime.event_log.reader import Reader

ACTION_LETTERS = 80
JSON_FIELDS = ("action", "event", "effects")


def add_to(commands: Commands) -> None:
    """Let it be said on the command line."""
    found = commands.add_parser(
        "log",
        help="print the event log",
        description="Prints the event log, an entry a line: position, time (UTC), who sent the "
        "command, the command, its event, what the event asks for, and what became of an effect. "
        "A service may be running.",
    )
    begin = found.add_mutually_exclusive_group()
    begin.add_argument("--after", type=position, metavar="N", help="begin after position N")
    begin.add_argument("--last", type=count, metavar="N", help="print the last N entries")
    found.add_argument("--limit", type=count, metavar="N", help="print at most N entries")
    found.add_argument("--json", action="store_true", help="print one JSON object a line, in full")
    found.set_defaults(run=run, deed="print the log")


def run(options: argparse.Namespace) -> int:
    """Print the log; raises Refused where that would begin beyond its end."""
    with reading(settings_of_a_command().event_log) as event_log:
        after = _beginning(event_log, options)
        for entry in islice(event_log.entries(after), options.limit):
            print(printable(_as_json(entry) if options.json else line(entry)))
    return 0


def _beginning(event_log: Reader, options: argparse.Namespace) -> int:
    """The position before the first entry to be printed; positions have no holes."""
    end = event_log.end
    after = int(options.after or 0)
    if options.last is not None:
        after = max(0, end - int(options.last))
    elif after > end:
        raise Refused(f"it ends at position {end}")
    if end == 0:
        print("the log is empty", file=sys.stderr)
    elif after == end:
        print(f"nothing has happened after position {end}", file=sys.stderr)
    return after


def line(entry: Entry) -> str:
    """An entry for people."""
    who = f"{entry.principal} ({entry.role})"
    return "  ".join([f"{entry.position:>7}", instant(entry.time), who, *_told(entry)])


def _told(entry: Entry) -> Iterator[str]:
    if entry.action is not None:
        yield shortened(named(entry.action), ACTION_LETTERS)
    if entry.event is not None:
        yield f"→ {shortened(named(entry.event), ACTION_LETTERS)}"
    if entry.effects is not None:
        yield f"asks for {', '.join(map(_effect, parsed(entry.effects)))}"
    if entry.settles is not None:
        yield f"ends {entry.settles}: {entry.outcome}"
    if entry.continues is not None:
        yield f"goes on {entry.continues}: {entry.outcome}"


def _effect(stored: Any) -> str:
    """An effect by its name and that of what it leads to, however it was written."""
    if not isinstance(stored, dict) or len(stored) != 1:
        return str(stored)
    ((name, value),) = stored.items()
    match value:
        case list():
            return f"{name}({', '.join(map(_effect, value))})"
        case {"command": what} | {"task": what}:
            return f"{name} {_tag(what)}"
    return f"{name} {_tag(value)}"


def _tag(action: Any) -> str:
    return next(iter(action)) if isinstance(action, dict) and action else str(action)


def _as_json(entry: Entry) -> str:
    whole = {name: value for name, value in entry._asdict().items() if value is not None}
    whole["time"] = instant(entry.time)
    whole |= {name: parsed(whole[name]) for name in JSON_FIELDS if name in whole}
    return orjson.dumps(whole).decode()
