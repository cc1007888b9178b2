"""The script for k6, in front of the real service; k6 itself is stood in for, see client/k6.mjs."""

import json
import os
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.guide.npm import node_environment
from tests.guide.running import PROJECT, service_in

RUNNER = Path(__file__).parent / "client" / "k6.mjs"
SCRIPT = PROJECT / "load" / "k6.js"
USERS = 3
SECONDS = 2
GONE_WITHIN = 20

pytestmark = pytest.mark.slow


@contextmanager
def serving(tmp_path: Path, **settings: str) -> Iterator[Any]:
    """A service with these settings."""
    service = service_in(tmp_path)
    service.settings |= settings
    service.start()
    yield service
    service.kill()


def position(service: Any) -> int:
    """Where its log stands."""
    with urllib.request.urlopen(f"{service.url}/api/v1/snapshot") as answer:
        return int(json.load(answer)["seq"])


def coming(service: Any, seconds: int) -> subprocess.Popen[str]:
    """The users, as they come."""
    asked = {"WS": f"{service.ws}/api/v1/ws", "USERS": str(USERS), "SECONDS": str(seconds)}
    return subprocess.Popen(
        ["node", os.fspath(RUNNER), os.fspath(SCRIPT)],
        env=node_environment() | asked,
        stdout=subprocess.PIPE,
        text=True,
    )


def told(users: subprocess.Popen[str]) -> Any:
    """What they have measured, when they are gone."""
    said, _ = users.communicate(timeout=GONE_WITHIN)
    assert users.returncode == 0
    return json.loads(said)


def test_every_user_stays_until_the_end_and_every_command_is_answered(tmp_path: Path) -> None:
    with serving(tmp_path) as service:
        measured = told(coming(service, SECONDS))
        end = position(service)

    figures = measured["figures"]
    answers = len(figures["command_answered"])
    assert measured["vus"] == USERS
    assert measured["crossed"] == []
    assert figures["checks"] == [1, 1] * USERS
    assert USERS * (SECONDS - 1) <= answers <= min(end, USERS * SECONDS)
    assert len(figures["event_heard"]) >= answers


def test_a_refused_command_crosses_a_threshold_and_is_an_answer(tmp_path: Path) -> None:
    with serving(tmp_path, APP_COMMANDS_PER_SECOND="0.01", APP_COMMAND_BURST="1") as service:
        measured = told(coming(service, SECONDS))

    assert measured["crossed"] == ["command_refused"]
    assert measured["figures"]["checks"] == [1, 1] * USERS


def test_a_refused_connection_crosses_a_threshold_and_holds_up_nobody(tmp_path: Path) -> None:
    with serving(tmp_path, APP_CONNECTIONS_PER_ADDRESS=str(USERS - 1)) as service:
        measured = told(coming(service, SECONDS))

    assert measured["crossed"] == ["checks"]
    assert sorted(measured["figures"]["checks"]) == [0, *[1] * (2 * USERS - 1)]


def test_users_whose_service_is_gone_are_gone_soon(tmp_path: Path) -> None:
    with serving(tmp_path) as service:
        users = coming(service, 10 * GONE_WITHIN)
        deadline = time.monotonic() + GONE_WITHIN
        while position(service) == 0 and time.monotonic() < deadline:
            time.sleep(0.05)
    measured = told(users)

    assert measured["crossed"] == ["checks"]
    assert measured["figures"]["checks"].count(0) >= USERS
