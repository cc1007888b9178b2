"""The application under a server that knows nothing of it: `uvicorn app.main:app`."""

import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from tests.service import Service

SECONDS = 20


class Plain(Service):
    """The service, served by uvicorn alone."""

    program = ("-m", "uvicorn", "app.main:app", "--port", "0")


@pytest.fixture
def plain(tmp_path: Path) -> Iterator[Plain]:
    """One with a setting that does not exist."""
    service = Plain(tmp_path, APP_PROT="3000")
    service.start()
    yield service
    service.kill()


def test_what_is_worth_a_warning_is_warned_about_whoever_serves(plain: Plain) -> None:
    (misspelt,) = [line for line in plain.words().splitlines() if "misspelt" in line]

    assert "APP_PROT" in misspelt
    assert plain.words().count("whoever reaches this service is an operator") == 1


def test_when_only_a_new_start_helps_the_process_is_not_healthy(plain: Plain) -> None:
    before = httpx.get(f"{plain.url}/health")
    with closing(sqlite3.connect(plain.event_log.removeprefix("sqlite:///"))) as file, file:
        file.execute("ALTER TABLE log RENAME TO gone")

    command = {"RevokeTokens": {"user_id": "ada"}}
    refused = httpx.post(f"{plain.url}/api/v1/commands", json=command)
    deadline = time.monotonic() + SECONDS
    while (after := httpx.get(f"{plain.url}/health")).is_success:
        assert time.monotonic() < deadline, plain.words()

    assert (before.status_code, before.text) == (200, "ok")
    assert refused.json()["code"] == "unavailable"
    assert after.status_code == 503
    assert after.json()["message"] == "the service cannot go on: start it again"
