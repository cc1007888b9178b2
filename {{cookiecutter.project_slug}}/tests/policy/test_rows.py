"""Nothing is left out of the tables: whoever adds something says who may do it."""

import re
from typing import Any, Never, get_args

import pytest

from app.domain import EPHEMERAL, TOPICS, ClientCommand, Command, Event
from tests.policy import operation
from tests.policy.people import PEOPLE, World
from tests.policy.story import TABLES
from tests.policy.story import TOPICS as ROWS
from tests.policy.table import FEATURES, rows

BY_FEATURE = {table.feature: table for table in TABLES}
NO_FEATURE = {"/commands", "/snapshot", "/events", "/ws"}


def classes(union: Any) -> set[type]:
    return set(get_args(union) or (union,)) - {Never}


def names_of(union: Any, feature: str) -> set[str]:
    return {cls.__name__ for cls in classes(union) if cls.__module__.split(".")[2] == feature}


def alike(path: str) -> re.Pattern[str]:
    """What an address of this form looks like."""
    return re.compile(re.sub(r"{\w+}", "[^/]+", path))


@pytest.mark.parametrize("feature", FEATURES)
def test_every_feature_says_who_may_do_what(feature: str) -> None:
    assert feature in BY_FEATURE, (
        f"tests/{feature}/policy.py is missing: write down there who may do what with {feature}; "
        "tests/policy/table.py says how"
    )


@pytest.mark.parametrize("feature", sorted({*FEATURES} & {*BY_FEATURE}))
def test_every_command_event_and_topic_of_a_feature_has_its_row(feature: str) -> None:
    table, where = BY_FEATURE[feature], f"tests/{feature}/policy.py"

    assert table.commands.keys() == names_of(Command, feature), f"the rows of COMMANDS in {where}"
    assert table.tries.keys() == table.commands.keys(), f"the keys of TRIES in {where}"
    assert table.events.keys() == names_of(Event, feature), f"the rows of EVENTS in {where}"
    roots = {topic.split(":")[0] for topic in table.topics}
    assert {topic for topic in table.topics if ":" not in topic} == {feature, *roots} & TOPICS, (
        f"the rows of TOPICS in {where}"
    )
    for event, topic in table.events.items():
        assert topic in ROWS, f"{event} is told on {topic}, which is no row of TOPICS in {where}"


@pytest.mark.parametrize("feature", sorted({*FEATURES} & {*BY_FEATURE}))
def test_only_commands_of_the_service_are_unknown_to_everybody(feature: str) -> None:
    known = names_of(ClientCommand, feature)

    for name, row in BY_FEATURE[feature].commands.items():
        assert ({row[person] for person in PEOPLE} == {"invalid"}) is (name not in known)


def test_every_route_that_is_read_has_its_row(world: World) -> None:
    paths = world.routes("get").keys() - NO_FEATURE

    assert paths == {path for table in TABLES for path in table.reads}, "the rows of READS"


def test_every_route_that_is_written_to_is_tried(world: World) -> None:
    tried = {make(world).path for table in TABLES for make in table.tries.values()}
    tried |= rows(operation.REQUESTS, PEOPLE).keys()

    for path in world.routes("post").keys() - NO_FEATURE:
        assert any(each and alike(path).fullmatch(each) for each in tried), (
            f"POST {path} is in no TRIES: name it as the path of a command"
        )


def test_every_topic_is_that_of_a_feature() -> None:
    assert {topic for topic in ROWS if ":" not in topic} == TOPICS


def test_what_passes_is_an_event_of_its_topic() -> None:
    told = {topic.split(":")[0] for table in TABLES for topic in table.events.values()}

    assert set(EPHEMERAL) <= told
