"""What the generated README says of tokens works; test_schema.py holds the rest of its talk."""

import json
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import Bake
from tests.test_schema import serving

HERE = "127.0.0.1:3000"
SECONDS = 30


def test_a_client_with_the_token_of_the_readme_may_read(bake: Bake, tmp_path: Path) -> None:
    if shutil.which("openssl") is None:
        pytest.skip("needs openssl")
    project = bake(starter="blank")
    lines = [line.strip() for line in (project / "README.md").read_text().splitlines()]
    (export,) = [line for line in lines if line.startswith("export APP_ENV=production ")]
    (token,) = [line for line in lines if line.startswith("echo TOKEN=$(uv run python ")]
    (read,) = [
        line for line in lines if line.startswith("curl ") and HERE in line and "$TOKEN" in line
    ]
    token = token.replace("uv run python", shlex.quote(sys.executable))
    made = said_by_shell(export, token, 'echo "$APP_ENV $APP_JWT_SECRET"', cwd=project)
    given, env, secret = made.split()

    with serving(project, tmp_path, APP_ENV=env, APP_JWT_SECRET=secret) as service:
        read = read.replace(HERE, f"127.0.0.1:{service.port}")
        known, unknown = [
            json.loads(said_by_shell(pasted, read, cwd=project))
            for pasted in (given, "TOKEN=nonsense")
        ]

    assert "revocation" in known["state"], "it is an operator's token"
    assert unknown["code"] == "unauthenticated"


def said_by_shell(*lines: str, cwd: Path) -> str:
    """What these lines print."""
    shell = ["bash", "-euc", "\n".join(lines)]
    return subprocess.run(
        shell, cwd=cwd, check=True, capture_output=True, text=True, timeout=SECONDS
    ).stdout
