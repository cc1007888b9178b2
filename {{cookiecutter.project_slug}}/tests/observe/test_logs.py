"""A line in the log says what happened, to whom and where, and nothing of what somebody wrote."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from websockets.asyncio.client import connect
from websockets.typing import Subprotocol

from tests.access.keys import SECRET as KEY
from tests.access.keys import signed
from tests.service import Service

pytestmark = pytest.mark.anyio

ROOT = Path(__file__).parents[2]
TEXT = "a secret letter"
COMMAND = {"RevokeTokens": {"user_id": "carol"}}
KEYS = {
    *("timestamp", "level", "logger", "event", "correlation_id", "id"),
    *("name", "door", "by", "role", "outcome", "seq", "ms"),
}
PROGRAM = """
import logging
import sys
import warnings
import structlog
from app.observe.logs import configure_logs

def send(text):
    raise ValueError("no such mailbox: \\x9b2J")

configure_logs("debug", as_json=sys.argv[1] == "json")
try:
    send(sys.argv[2])
except ValueError as fault:
    structlog.get_logger("mail").error("it failed", exc_info=fault)
structlog.get_logger("mail").info("odd", text="\\udc80", number=1 << 70, bell="\\x1b[2J")
logging.getLogger("library").info("100%% of %s", "them")
logging.getLogger("library").debug("< a secret letter")
logging.getLogger("library").log(25, "between")
warnings.warn("old")
"""


def said_by(program: str, form: str) -> str:
    """What a program says on stderr."""
    return subprocess.run(  # noqa: S603
        [sys.executable, "-c", program, form, "a secret letter"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stderr


@pytest.mark.parametrize("form", ["json", "text"])
def test_a_traceback_shows_no_values(form: str) -> None:
    said = said_by(PROGRAM, form)

    assert "no such mailbox" in said
    assert "send" in said
    assert "secret" not in said


def test_every_line_is_json_whatever_it_is_made_of_and_whoever_logs_it() -> None:
    lines = [json.loads(line) for line in said_by(PROGRAM, "json").splitlines()]

    assert all({"timestamp", "level", "logger", "event"} <= set(line) for line in lines)
    assert [(line["logger"], line["level"]) for line in lines] == [
        ("mail", "error"),
        ("mail", "info"),
        ("library", "info"),
        ("library", "info"),
        ("py.warnings", "warning"),
    ]
    assert lines[2]["event"] == "100% of them"
    assert lines[1]["number"] == 1 << 70


@pytest.mark.parametrize(("form", "bell"), [("text", "bell="), ("json", '"bell":"')])
def test_a_terminal_is_shown_nothing_that_it_would_obey(form: str, bell: str) -> None:
    said = said_by(PROGRAM, form)

    assert all(line.isprintable() for line in said.split("\n"))
    assert f"{bell}\\u001b[2J" in said.replace('": "', '":"')
    assert "no such mailbox: \\u009b2J" in said


def test_whoever_cannot_write_lines_goes_on_working() -> None:
    program = """
import os, sys, structlog
from app.observe.logs import configure_logs
configure_logs("info", as_json=True)
reader, writer = os.pipe()
os.close(reader)
err = os.dup(2)
os.dup2(writer, 2)
structlog.get_logger("a").info("nobody reads this")
os.dup2(err, 2)
structlog.get_logger("a").info("still there")
"""

    assert "still there" in said_by(program, "")


# What a real service says


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    """A service as in production, with everything that it has to say."""
    running = Service(
        tmp_path, APP_ENV="production", APP_JWT_SECRET=KEY, APP_LOG_LEVEL="debug"
    ).start()
    yield running
    running.kill()


def lines_of(service: Service, event: str) -> list[dict[str, Any]]:
    """What it has said about something, once it has stopped: then all is said."""
    service.stop()
    lines = [json.loads(line) for line in service.words().splitlines()]
    return [line for line in lines if line["event"] == event]


def of(line: dict[str, Any], *names: str) -> tuple[Any, ...]:
    return tuple(line[name] for name in names)


async def test_a_command_has_one_line_with_its_ids_at_both_doors(service: Service) -> None:
    token = signed(KEY, sub="ada", role="operator")
    headers = {"Authorization": f"Bearer {token}"}
    named = headers | {"X-Correlation-ID": "call-7", "Idempotency-Key": "order-7"}
    async with httpx.AsyncClient(base_url=service.url, headers=headers) as http:
        for _ in range(2):
            await http.post("/api/v1/commands", json=COMMAND, headers=named)
    async with connect(f"{service.ws}/ws", additional_headers=headers) as socket:
        await socket.send(json.dumps({"type": "command", "id": "w1", "action": COMMAND}))
        while json.loads(await socket.recv())["type"] != "ack":
            pass

    first, again, other = lines_of(service, "command")

    assert of(first, "name", "door", "by", "role") == ("RevokeTokens", "http", "ada", "operator")
    assert of(first, "id", "correlation_id") == ("order-7", "call-7")
    assert of(first, "outcome", "seq", "level") == ("ok", 1, "info")
    assert of(again, "outcome", "seq") == ("duplicate", 1)
    assert of(other, "door", "id", "outcome", "seq") == ("ws", "w1", "ok", 2)
    assert 0 < first["ms"] < 60_000
    assert len(other["correlation_id"]) == 16
    assert set(first) == KEYS


async def test_a_refused_command_has_its_line_with_the_code(service: Service) -> None:
    headers = {"Authorization": f"Bearer {signed(KEY, sub='bob')}"}
    async with httpx.AsyncClient(base_url=service.url) as http:
        await http.post("/api/v1/commands", json=COMMAND, headers=headers)
        await http.post("/api/v1/commands", json=COMMAND)

    forbidden, unnamed = lines_of(service, "command")

    assert of(forbidden, "by", "outcome", "seq") == ("bob", "forbidden", None)
    assert of(unnamed, "by", "outcome", "seq") == ("anonymous", "unauthenticated", None)


async def test_no_line_says_what_somebody_wrote_or_shows_a_token(service: Service) -> None:
    token = signed(KEY, sub="ada", role="operator")
    headers = {"Authorization": f"Bearer {token}"}
    async with httpx.AsyncClient(base_url=service.url, headers=headers) as http:
        await http.post("/api/v1/commands", json={"RevokeTokens": {"user_id": TEXT}})
        await http.post("/api/v1/commands", json={"RevokeTokens": {"user_id": TEXT, TEXT: 1}})
        await http.post("/api/v1/commands", json={TEXT: TEXT})
        await http.get(f"/{TEXT}")
    subprotocols = [Subprotocol("app.v1"), Subprotocol(f"bearer.{token}")]
    async with connect(f"{service.ws}/ws", subprotocols=subprotocols) as socket:
        for message in (
            {"type": "command", "id": "1", "action": {"RevokeTokens": {"user_id": TEXT}}},
            {"type": "command", "action": {TEXT: TEXT}},
            {"type": TEXT, "action": TEXT},
            TEXT,
            {"type": "auth", "token": token},
            {"type": "auth", "token": TEXT},
        ):
            await socket.send(json.dumps(message))
        await socket.wait_closed()

    assert len(lines_of(service, "command")) == 2
    assert TEXT not in service.words()
    assert token not in service.words()
    assert token.split(".")[2] not in service.words()
