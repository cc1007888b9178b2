"""What nodes say of themselves: the latest of each, for a while."""

import orjson

from app.runtime import reports
from app.runtime.reports import Reports


def linked(listener: Reports) -> Reports:
    """Another node, which the listener hears."""
    return Reports(lambda report: listener.hear(orjson.loads(report)))


def test_of_each_other_node_the_latest_counts() -> None:
    here = Reports(lambda report: None)
    first, second = linked(here), linked(here)
    first.say("size", 1)
    second.say("size", 10)
    first.say("size", 2)
    first.say("weight", 7)

    assert sorted(here.of_others("size", seconds=60)) == [2, 10]
    assert here.of_others("weight", seconds=60) == [7]
    assert here.of_others("colour", seconds=60) == []


def test_what_is_old_is_forgotten() -> None:
    here = Reports(lambda report: None)
    linked(here).say("size", 1)

    assert here.of_others("size", seconds=-1) == []
    assert here.of_others("size", seconds=60) == []


def test_there_is_an_end_to_the_number_of_nodes() -> None:
    here = Reports(lambda report: None)
    for _ in range(reports.MOST + 5):
        linked(here).say("size", 1)

    assert len(here.of_others("size", seconds=60)) == reports.MOST
