"""The JavaScript client and its tokens, under Node, in front of a service that asks for them."""

import os
import subprocess
from pathlib import Path

import pytest

from tests.guide.npm import node_environment
from tests.guide.running import PROJECT, service_in

SCRIPT = Path(__file__).parent / "client" / "renewal.test.mjs"
CLIENT = PROJECT / "app" / "dashboard" / "client.js"
SECRET = "0123456789abcdefghijklmnopqrstuvwxyz"


@pytest.mark.slow
def test_tokens_are_renewed_in_time_and_bad_ones_end_it(tmp_path: Path) -> None:
    environment = node_environment()
    service = service_in(tmp_path)
    service.settings["APP_JWT_SECRET"] = SECRET
    service.start()
    try:
        run = subprocess.run(
            ["node", "--test", os.fspath(SCRIPT)],
            env=environment | {"SERVICE": service.url, "SECRET": SECRET, "CLIENT": str(CLIENT)},
            capture_output=True,
            text=True,
            timeout=120,
        )
    finally:
        service.kill()

    assert run.returncode == 0, run.stdout + run.stderr
