"""What is expected of the policy: the tables that each feature has in `tests/<feature>/policy.py`.

They are written by hand, and nothing in them asks `app/domain/policy.py`. `nobody` has no token,
Ada and Bob are customers, Olga is an operator, and `system` is the service itself. Whatever the
tables speak of is Ada's, as far as it is anybody's.

- COMMANDS: what somebody who sends the command is answered: `done`, or the code of the refusal.
- TRIES: for each command, what is sent, and the feature's own route for it, if it has one.
- ONCE: the commands that are a conflict when the same is sent again; all others are done again.
- TOPICS: who hears a topic: `all` that happens on it; `own`, the part that is theirs, of one that
  has a part for each principal; or `none`.
- EVENTS: the topic of each event in the story.
- READS: for each route, whether the answer has what the story was about (`shown`) or not
  (`empty`), or the code of the refusal.
- SETTINGS: what the service has to be started with, if anything.
- `story`: makes every event happen; what it was about, for the addresses of routes. The first
  value is the text by which it is recognised.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple, TypeAlias

from app import domain
from tests.policy.people import PEOPLE, World

FEATURES = sorted(path.parent.name for path in Path(domain.__file__).parent.glob("*/reducer.py"))


class Try(NamedTuple):
    """A command, and the way to send it that is its feature's own."""

    action: object
    path: str | None = None
    body: object = None


Tries: TypeAlias = Mapping[str, Callable[[World], Try]]
Row: TypeAlias = Mapping[str, str]


@dataclass(frozen=True)
class Table:
    """What one feature expects."""

    feature: str
    story: Callable[[World], Mapping[str, str]]
    commands: Mapping[str, Row] = field(default_factory=dict)
    tries: Tries = field(default_factory=dict)
    once: Collection[str] = ()
    topics: Mapping[str, Row] = field(default_factory=dict)
    events: Mapping[str, str] = field(default_factory=dict)
    reads: Mapping[str, Row] = field(default_factory=dict)
    settings: Mapping[str, str] = field(default_factory=dict)


def tables() -> Iterator[Table]:
    """Those of every feature that has them, and of what is no feature."""
    for feature in FEATURES:
        if find_spec(f"tests.{feature}.policy"):
            yield table_of(feature, import_module(f"tests.{feature}.policy"))
    yield table_of("operation", import_module("tests.policy.operation"))


def table_of(feature: str, module: ModuleType) -> Table:
    """What a module expects."""
    given: Any = vars(module)
    return Table(
        feature,
        given["story"],
        rows(given.get("COMMANDS", ""), (*PEOPLE, "system")),
        given.get("TRIES", {}),
        given.get("ONCE", ()),
        rows(given.get("TOPICS", ""), PEOPLE),
        {event: row["topic"] for event, row in rows(given.get("EVENTS", ""), ("topic",)).items()},
        rows(given.get("READS", ""), PEOPLE),
        given.get("SETTINGS", {}),
    )


def rows(text: str, columns: Iterable[str]) -> Mapping[str, Row]:
    """The rows of a table by the names that they begin with; its first line names the columns."""
    first, *lines = [line.split() for line in text.splitlines() if line.strip()] or [[*columns]]
    assert first == [*columns], f"the columns are {first}, and should be {[*columns]}"
    for name, *cells in lines:
        assert len(cells) == len(first), f"the row {name} has {len(cells)} cells, not {len(first)}"
    return {name: dict(zip(first, cells, strict=True)) for name, *cells in lines}
