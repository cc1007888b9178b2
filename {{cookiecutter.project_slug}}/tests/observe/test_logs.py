"""A line in the log says where a fault arose, and nothing of what somebody wrote."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROGRAM = """
import sys
import structlog
from app.observe.logs import configure_logs

def send(text):
    raise ValueError("no such mailbox")

configure_logs("info", as_json=sys.argv[1] == "json")
try:
    send("a secret letter")
except ValueError as fault:
    structlog.get_logger("mail").error("it failed", exc_info=fault)
"""


@pytest.mark.parametrize("form", ["json", "text"])
def test_a_traceback_shows_no_values(form: str) -> None:
    said = subprocess.run(  # noqa: S603
        [sys.executable, "-c", PROGRAM, form], cwd=ROOT, capture_output=True, text=True
    ).stderr

    assert "no such mailbox" in said
    assert "send" in said
    assert "secret" not in said
