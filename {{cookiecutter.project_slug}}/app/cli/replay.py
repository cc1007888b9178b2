"""`python -m app replay`: the State at any position of the log."""

import argparse
from dataclasses import fields
from typing import Any

import orjson
from rpds import HashTrieMap

from app.bootstrap import rules
from app.cli.reading import (
    Commands,
    Refused,
    position,
    reading,
    settings_of_a_command,
    with_progress,
)
from app.core.rejected import StartRefused
from app.domain import State
from app.domain.persistent_list import PersistentList
from app.observe.printable import printable_lines
from app.runtime.decide import Decider
from app.runtime.event_log.reader import Reader
from app.runtime.replay import diagnosis
from app.settings import Settings

# A PersistentList is a dataclass, too, but to be printed as a list: so none is printed as such.
LAYOUT = (
    orjson.OPT_INDENT_2
    | orjson.OPT_UTC_Z
    | orjson.OPT_NON_STR_KEYS
    | orjson.OPT_PASSTHROUGH_DATACLASS
)


def add_to(commands: Commands) -> None:
    """Let it be said on the command line."""
    found = commands.add_parser(
        "replay",
        help="print the State at a position of the log",
        description="Reads the log from its beginning, by the code as it is now, and prints the "
        "State as JSON. A service may be running.",
    )
    found.add_argument("--at", type=position, metavar="N", help="the position; else the log's end")
    found.set_defaults(run=run, deed="replay")


def run(options: argparse.Namespace) -> int:
    """Print the State."""
    settings = settings_of_a_command()
    with reading(settings.event_log) as event_log:
        end = event_log.end
        at = end if options.at is None else options.at
        if at > end:
            raise Refused(f"the log ends at position {end}")
        state = state_at(event_log, settings, at)
        whole = {"epoch": event_log.epoch, "position": at, "state": state}
    print(printable_lines(orjson.dumps(whole, default=_plain, option=LAYOUT).decode()))
    return 0


def state_at(event_log: Reader, settings: Settings, at: int) -> State:
    """What the log says up to a position; raises StartRefused if it cannot be read so far."""
    decider = Decider(rules(settings))
    state = decider.rules.initial
    for entry in with_progress(event_log.entries()):
        if entry.position > at:
            break
        try:
            if entry.event is not None:
                state = decider.evolved(state, entry, decider.rules.decode_event(entry.event))
        except Exception as problem:  # what cannot be read, or what an edited rule stumbles over
            raise StartRefused(diagnosis(entry, problem)) from problem
    return state


def _plain(value: Any) -> object:
    match value:
        case HashTrieMap():
            return {_key(key): value[key] for key in value}
        case PersistentList():
            return list(value)
        case State():
            return value._asdict()
    return {field.name: getattr(value, field.name) for field in fields(value)}


def _key(key: object) -> object:
    return str(key) if isinstance(key, tuple) else key
