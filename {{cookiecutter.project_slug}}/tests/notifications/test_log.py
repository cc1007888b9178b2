"""The log does not tell an operator what somebody else was told."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.access.keys import SECRET
from tests.notifications.test_private import tell
from tests.policy.people import World
from tests.service import Service


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    service = Service(tmp_path, APP_ENV="production", APP_JWT_SECRET=SECRET).start()
    world = World(service)
    yield world
    world.close()
    service.kill()


def log_of(world: World) -> list[Any]:
    items: list[Any] = world.get("olga", "/log?after=0&limit=500").json()["items"]
    return items


def test_of_anothers_notifications_the_log_tells_that_they_are_and_not_what_they_say(
    world: World,
) -> None:
    tell(world, "ada")
    entries = log_of(world)

    told = [each for each in entries if each["event"] == "NotificationCreated"]
    shipped = next(each for each in entries if "OrderShipped" in (each["event"] or ""))

    assert "is on its way" not in json.dumps(entries)
    (entry,) = told
    assert entry["action"] == "CreateNotification"
    assert entry["effects"] == [{"Run": "SendMail"}]
    assert entry["withheld"] == ["action", "event", "effects"]
    assert shipped["event"]["OrderShipped"]["tracking_number"] == "for-ada-alone"
    assert {"Dispatch": "CreateNotification"} in shipped["effects"]
    assert shipped["withheld"] == ["effects"]
    assert [each["event"] for each in entries].count("NotificationRead") == 1


def test_the_state_of_the_past_shows_an_operator_their_own_notifications_alone(
    world: World,
) -> None:
    tell(world, "ada")
    seq = world.get("olga", "/log").json()["seq"]

    for position in range(seq + 1):
        answer = world.get("olga", f"/log/{position}/state")
        assert answer.json()["state"]["notifications"] == []
        assert "is on its way" not in answer.text


def test_no_test_is_made_of_what_is_anothers_nor_given_it(world: World) -> None:
    tell(world, "ada")
    tell(world, "ada")

    for entry in log_of(world):
        answer = world.get("olga", f"/log/{entry['position']}/test")
        is_private = "Notification" in json.dumps([entry["action"], entry["event"]])
        assert (answer.status_code == 403) is is_private, answer.text
        assert "NotificationCreated(" not in answer.text
