"""Every topic, for everybody, however it is heard or read: as the tables say, and nothing more."""

import json

import pytest

from app.domain import VIEWS
from tests.policy.people import PEOPLE, World
from tests.policy.story import (
    ASKED,
    DOORS,
    EVENTS,
    TABLES,
    TOPICS,
    WAYS,
    Place,
    Story,
    hears,
    is_ephemeral,
)

READS = [
    pytest.param(table.feature, path, person, row[person], id=f"{path}-{person}")
    for table in TABLES
    for path, row in table.reads.items()
    for person in PEOPLE
]


def is_of(topic: str, event: str) -> bool:
    """Whether the event is told on the topic, or on a part of it."""
    return topic in (EVENTS[event], EVENTS[event].split(":")[0])


def sees(topic: str, person: str) -> bool:
    """Whether what is Ada's is there for somebody who asks for the topic."""
    return TOPICS[topic][person] == "all" or (TOPICS[topic][person], person) == ("own", "ada")


def mark_of(story: Story, feature: str) -> str:
    """The text by which a feature's story is recognised."""
    return next(iter(story.about[feature].values()))


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("person", PEOPLE)
@pytest.mark.parametrize("topic", TOPICS)
def test_a_topic_is_heard_by_whom_the_table_says(
    story: Story, topic: str, person: str, door: str, way: str
) -> None:
    asked = "parts" if ":" in topic else "names"
    heard = story.heard[Place(way, door, person, asked)]
    wanted = [each for each in story.happened[way] if is_of(topic, each.name)]
    ephemeral = {name for name in EVENTS if is_ephemeral(topic) and is_of(topic, name)}

    told = [each for each in heard.events if is_of(topic, each.name)]
    told_once = {name for name in heard.ephemeral if is_of(topic, name)}

    assert told == (wanted if sees(topic, person) else [])
    assert told_once == (ephemeral if sees(topic, person) else set())
    assert is_ephemeral(topic) or wanted, (
        f"nothing has happened on {topic}: let the story tell of it"
    )


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("person", PEOPLE)
@pytest.mark.parametrize("asked", [name for name, topics in ASKED.items() if topics != ""])
def test_everybody_hears_what_is_theirs_once_and_in_order_and_nothing_else(
    story: Story, asked: str, person: str, door: str, way: str
) -> None:
    place = Place(way, door, person, asked)
    heard = story.heard[place]

    assert heard.events == [each for each in story.happened[way] if hears(place, each.name)]
    assert {name for name in heard.ephemeral if not hears(place, name)} == set()


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("person", PEOPLE)
@pytest.mark.parametrize("topic", TOPICS)
def test_a_subscription_says_what_is_granted_and_what_is_denied(
    story: Story, topic: str, person: str, door: str, way: str
) -> None:
    asked = "parts" if ":" in topic else "names"
    heard = story.heard[Place(way, door, person, asked)]
    names = (ASKED[asked] or "").split(",")
    is_granted = TOPICS[topic][person] != "none"

    if person == "nobody":
        assert heard.subscribed is None
        assert door == "socket" or heard.refusal["code"] == "unauthenticated"
    elif door == "stream" and all(TOPICS[name][person] == "none" for name in names):
        assert heard.refusal["code"] == "forbidden"
    else:
        assert (topic in heard.subscribed["topics"]) is is_granted
        assert (topic in heard.subscribed.get("denied", ())) is not is_granted
        assert heard.subscribed["recovered"] is (way != "live")


@pytest.mark.parametrize("person", PEOPLE)
@pytest.mark.parametrize("topic", [topic for topic in TOPICS if topic in VIEWS])
def test_a_snapshot_has_what_the_table_says(
    world: World, story: Story, topic: str, person: str
) -> None:
    answer = world.get(person, "/snapshot")
    if person == "nobody":
        assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")
        whole = dict[str, object]()
    else:
        whole = answer.json()["state"]
    part = world.get(person, f"/snapshot?topics={topic}")
    refusal = "unauthenticated" if person == "nobody" else "forbidden"

    assert (topic in whole) is (TOPICS[topic][person] != "none")
    if topic not in whole:
        assert part.json()["code"] == refusal
        return
    assert part.json()["state"] == {topic: whole[topic]}
    if not is_ephemeral(topic):
        text = json.dumps(whole[topic], separators=(",", ":"))
        assert (mark_of(story, topic) in text) is sees(topic, person)


@pytest.mark.parametrize(("feature", "path", "person", "expected"), READS)
def test_a_route_shows_what_the_table_says(
    world: World, story: Story, feature: str, path: str, person: str, expected: str
) -> None:
    answer = world.get(person, path.format(**story.about[feature]))
    shown = "shown" if mark_of(story, feature) in answer.text else "empty"

    assert (shown if answer.status_code == 200 else answer.json()["code"]) == expected
