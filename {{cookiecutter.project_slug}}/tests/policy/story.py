"""What everybody hears of a story: as it happens, and afterwards, from memory and from the log."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from itertools import product
from typing import Any, NamedTuple

import httpx

from app.domain import EPHEMERAL
from app.runtime.event_log import read_event_log
from tests.policy.people import PEOPLE, World, by_socket, by_stream
from tests.policy.table import Row, Table, tables

# As it happens; after it, from the ring of the last events; after a restart, from the log.
WAYS = ("live", "ring", "log")
DOORS = ("socket", "stream")

TABLES: Sequence[Table] = list(tables())
TOPICS: Mapping[str, Row] = {name: row for each in TABLES for name, row in each.topics.items()}
EVENTS: Mapping[str, str] = {name: topic for each in TABLES for name, topic in each.events.items()}
# Without topics; by their names alone; by the parts of those that have parts.
ASKED: Mapping[str, str | None] = {
    "nothing": None,
    "names": ",".join(topic for topic in TOPICS if ":" not in topic),
    "parts": ",".join(topic for topic in TOPICS if ":" in topic),
}


class Happened(NamedTuple):
    """A durable event: its position, and the name of its class."""

    seq: int
    name: str


class Place(NamedTuple):
    """Where somebody listens."""

    way: str
    door: str
    name: str
    asked: str


@dataclass
class Heard:
    """What was heard there: durable events in order, the names of ephemeral ones, and the rest.

    What happened up to the position `since` was not the story's.
    """

    since: int
    events: list[Happened] = field(default_factory=list)
    ephemeral: set[str] = field(default_factory=set)
    subscribed: Any = None
    refusal: Any = None

    def take(self, message: Any) -> None:
        """One message more."""
        match message:
            case {"type": "event", "seq": seq, "action": action}:
                if seq > self.since:
                    self.events.append(Happened(seq, name_of(action)))
            case {"type": "event", "action": action}:
                self.ephemeral.add(name_of(action))
            case {"type": "subscribed"}:
                self.subscribed = message
            case {"type": "error"}:
                self.refusal = message
            case _:
                raise AssertionError(f"nobody was to hear {message}")


@dataclass
class Story:
    """What the features' stories were about, what happened by them, and what was heard of it."""

    about: Mapping[str, Mapping[str, str]]
    happened: dict[str, list[Happened]] = field(default_factory=dict)
    heard: dict[Place, Heard] = field(default_factory=dict)


def told(world: World) -> Story:
    """Have everything happen once, and everybody listen; the service starts anew twice for it."""
    with ExitStack() as connections:
        live = listen(world, connections, "live")
        start = world.get("olga", "/snapshot").json()
        since, epoch = start["seq"], start["epoch"]
        story = Story({table.feature: table.story(world) for table in TABLES})
        ring = listen(world, connections, "ring", since=since)
        end(world, story, live | ring, since)
    with ExitStack() as connections:
        log = listen(world, connections, "log", since=since, epoch=epoch)
        end(world, story, log, since)
    return story


def listen(
    world: World, connections: ExitStack, way: str, **position: object
) -> dict[Place, Iterator[Any]]:
    """Everybody listens at both doors to whatever can be asked for; the messages of each."""
    found = {}
    for place in (Place(way, *others) for others in product(DOORS, PEOPLE, ASKED)):
        topics = ASKED[place.asked]
        if topics == "":
            continue
        query = dict(position) if topics is None else {"topics": topics, **position}
        messages = by_socket if place.door == "socket" else by_stream
        found[place] = messages(world, connections, place.name, query)
    return found


def end(world: World, story: Story, places: Mapping[Place, Iterator[Any]], since: int) -> None:
    """Wait until everybody has heard what they should by now; stop, and take down all they heard.

    Nothing is left out by that: whatever happens until the service stops is told before it goes.
    """
    by_now = log_after(world, since)
    for place, messages in places.items():
        story.heard[place] = heard = Heard(since)
        is_enough = enough(place, by_now)
        while not is_enough(heard):
            try:
                heard.take(next(messages))
            except (TimeoutError, httpx.TimeoutException):
                due = [each for each in by_now if hears(place, each.name)]
                raise AssertionError(f"{place} was to hear {due}, and has {heard}") from None
    assert world.service.stop() == 0, world.service.words()
    for place, messages in places.items():
        for message in messages:
            story.heard[place].take(message)
        story.happened[place.way] = log_after(world, since)
    world.service.start()


def enough(place: Place, happened: Sequence[Happened]) -> Callable[[Heard], bool]:
    """Whether all has been heard that has to be; whether it is more shows at the end."""
    expected = [each for each in happened if hears(place, each.name)]
    ephemeral = {name for name in EVENTS if is_ephemeral(EVENTS[name]) and hears(place, name)}
    return lambda heard: len(heard.events) >= len(expected) and heard.ephemeral >= ephemeral


def hears(place: Place, event: str) -> bool:
    """Whether the event is one to be heard there, as the tables have it."""
    topic = EVENTS[event]
    assert topic in TOPICS, f"{event} is told on {topic}: no tests/*/policy.py has it in TOPICS"
    match place.asked:
        case "nothing":
            is_asked = not is_ephemeral(topic)
        case "names":
            is_asked = True
        case _:
            is_asked = ":" in topic
    return is_asked and TOPICS[topic][place.name] == "all"


def is_ephemeral(topic: str) -> bool:
    """Whether what is told on a topic, or a part of one, is stored nowhere."""
    return topic.split(":")[0] in EPHEMERAL


def log_after(world: World, since: int) -> list[Happened]:
    """Every event of the log after this position."""
    with closing(read_event_log(world.service.event_log)) as reader:
        return [
            Happened(entry.position, name_of(json.loads(entry.event)))
            for entry in reader.entries(since)
            if entry.event is not None
        ]


def name_of(action: Any) -> str:
    """The class of an action, which has fields or has none."""
    return action if isinstance(action, str) else next(iter(action))
