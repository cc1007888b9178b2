"""What the commands that read an event log share."""

import argparse
import gc
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, TypeAlias

import orjson

from app.core.environment import EPOCH
from app.runtime.event_log import read_event_log
from app.runtime.event_log.port import Entry
from app.runtime.event_log.reader import Reader
from app.settings import Settings, read_settings, unknown_settings

ENTRIES_A_LINE = 100_000
DIGITS = 18  # of a number that SQLite can hold

Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"


class Refused(Exception):
    """A command cannot do what it was told; the message says why."""


def settings_of_a_command() -> Settings:
    """The settings of this process; what is misspelt among them is told on stderr."""
    settings = read_settings()
    for name in unknown_settings():
        print(f"there is no setting {name}: is it misspelt?", file=sys.stderr)
    return settings


@contextmanager
def reading(url: str) -> Iterator[Reader]:
    """The event log at this address, for reading alone; raises StartRefused if there is none."""
    prepare_for_many_objects()
    event_log = read_event_log(url)
    try:
        yield event_log
    finally:
        event_log.close()


def prepare_for_many_objects() -> None:
    """Look for garbage a little at a time, and hardly ever in all: a large State has none.

    Everybody waits meanwhile: 3 ms for 10,000 new objects, and three times that every fourth time.
    More at once are no better: 20,000 take less CPU while hundreds of requests are under way, as
    each has 140 objects that are gone through in vain, but the slowest percent of answers takes a
    fifth longer. In return, what has lived long, as a connection has, must not leave a circle of
    references when it ends: nobody would find it.
    """
    gc.set_threshold(10_000, 2, 4_000)


def with_progress(entries: Iterable[Entry]) -> Iterator[Entry]:
    """The same entries; of many, a line on stderr now and then says how far it has come."""
    for count, entry in enumerate(entries, 1):
        yield entry
        if count % ENTRIES_A_LINE == 0:
            print(f"{count:,} entries read, up to position {entry.position:,}", file=sys.stderr)


def instant(time: int) -> str:
    """The time of an entry as people and programs read it: UTC, to the microsecond."""
    moment = EPOCH + timedelta(microseconds=time)
    return f"{moment:%Y-%m-%dT%H:%M:%S.%f}Z"


def parsed(text: str | None) -> Any:
    """Stored JSON as a value; what is not JSON stays the text that it is."""
    try:
        return None if text is None else orjson.loads(text)
    except orjson.JSONDecodeError:
        return text


def named(text: str) -> str:
    """An action as people read it: `Moved {"by":1}`, or its bare name."""
    action = parsed(text)
    if isinstance(action, dict) and len(action) == 1:
        ((name, fields),) = action.items()
        return f"{name} {orjson.dumps(fields).decode()}"
    return str(action)


def shortened(text: str, most: int) -> str:
    """The text, or as much of it as there is room for."""
    return text if len(text) <= most else f"{text[: most - 1]}…"


def counted(count: int, one: str, many: str) -> str:
    """So many of something, in words: `1 entry`, `2,000 entries`."""
    return f"{count:,} {one if count == 1 else many}"


def position(text: str) -> int:
    """A position of the log, as it is said on the command line: 0 is before the first entry."""
    return whole(text, "a position is a whole number, and 0 is before the first entry")


def count(text: str) -> int:
    """A number of entries, as it is said on the command line."""
    return whole(text, "a number of entries is a whole number, 0 or more")


def whole(text: str, rule: str) -> int:
    """The number, if it is not negative; the rule is what argparse says of all else."""
    if not (text.isascii() and text.isdigit() and len(text) <= DIGITS):
        raise argparse.ArgumentTypeError(f"{text!r}: {rule}")
    return int(text)
