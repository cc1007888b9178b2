"""What the generated README prints as said and heard is what the service says and hears."""

import json
import re
import shlex
import shutil
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from websockets.sync.client import ClientConnection, connect

from tests.conftest import Bake
from tests.test_schema import serving

HERE = "127.0.0.1:3000"
SECONDS = 30


@pytest.fixture(params=["showcase", "blank"])  # orders has the words of showcase
def talk(bake: Bake, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[tuple[Any, str]]:
    """A service of a new project, and what its README says of talking to it."""
    project = bake(starter=request.param)
    readme = (project / "README.md").read_text()
    with serving(project, tmp_path) as service:
        yield service, readme.split("## Talk to it\n")[1].split("\n## ")[0]


def is_as_printed(printed: str, said: str) -> bool:
    """Whether it is what was printed, but for what an ellipsis stands for."""
    return bool(re.fullmatch(re.escape(printed).replace("…", ".*"), said))


def said_by_curl(line: str, service: Any) -> str:
    """What the command prints, of this service."""
    command = shlex.split(line.replace(HERE, f"127.0.0.1:{service.port}"))
    ran = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS)
    if "option --json: is unknown" in ran.stderr:
        pytest.skip("needs curl 7.82 or later")
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


def until_position(position: int, service: Any) -> None:
    """Wait until everything has happened that comes of what was done before."""
    deadline = time.monotonic() + SECONDS
    reached = 0
    while reached < position:
        assert time.monotonic() < deadline, f"the log ends at {reached}, not {position}"
        with urllib.request.urlopen(f"{service.url}/health/ready") as answer:
            reached = json.load(answer)["seq"]


def hold(session: list[str], socket: ClientConnection) -> None:
    """Say what is said there, and hear what is heard, line by line."""
    for line in session:
        way, words = line[0], line[2:]
        if way == ">":
            socket.send(words)
        else:
            said = socket.recv(timeout=SECONDS)
            assert is_as_printed(words, said), f"{said}\nis not what was printed:\n{words}"
    socket.send('{"type":"ping"}')
    assert socket.recv(timeout=SECONDS) == '{"type":"pong"}', "that was all"


def test_the_readme_prints_what_is_said(talk: tuple[Any, str]) -> None:
    service, text = talk
    lines = [line.strip() for line in text.splitlines()]
    first, second = [number for number, line in enumerate(lines) if line.startswith("curl ")]
    session = [line for line in lines if line[:2] in ("> ", "< ")]
    assert lines[first + 1] == f"npx wscat -c ws://{HERE}/api/v1/ws"
    heard = next(line for line in session if line[0] == "<")
    began = int(re.findall(r'"seq":(\d+)}$', heard)[0])

    answer = json.loads(said_by_curl(lines[first], service))
    until_position(began - 1, service)
    with connect(f"{service.ws}/api/v1/ws") as socket:
        hold(session, socket)
    last = said_by_curl(lines[second], service)

    assert "code" not in answer
    assert is_as_printed(lines[second + 1], last)


def test_a_client_with_the_token_of_the_readme_may_read(bake: Bake, tmp_path: Path) -> None:
    if shutil.which("openssl") is None:
        pytest.skip("needs openssl")
    project = bake(starter="blank")
    lines = [line.strip() for line in (project / "README.md").read_text().splitlines()]
    (export,) = [line for line in lines if line.startswith("export APP_ENV=production ")]
    (token,) = [line for line in lines if line.startswith("TOKEN=$(uv run python ")]
    (read,) = [line for line in lines if line.startswith("curl ") and "$TOKEN" in line]
    token = token.replace("uv run python", shlex.quote(sys.executable))
    made = said_by_shell(export, token, 'echo "$APP_ENV $APP_JWT_SECRET $TOKEN"', cwd=project)
    env, secret, given = made.split()

    with serving(project, tmp_path, APP_ENV=env, APP_JWT_SECRET=secret) as service:
        read = read.replace(HERE, f"127.0.0.1:{service.port}")
        known, unknown = [
            json.loads(said_by_shell(f"TOKEN={token}", read, cwd=project))
            for token in (given, "nonsense")
        ]

    assert "revocation" in known["state"], "it is an operator's token"
    assert unknown["code"] == "unauthenticated"


def said_by_shell(*lines: str, cwd: Path) -> str:
    """What these lines print."""
    shell = ["bash", "-euc", "\n".join(lines)]
    return subprocess.run(
        shell, cwd=cwd, check=True, capture_output=True, text=True, timeout=SECONDS
    ).stdout
