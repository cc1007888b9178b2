"""What the Dockerfile says, as far as it shows without an engine."""

import json
import os
import re
import subprocess
import sys

import pytest

from tests.guide.running import PROJECT
from tests.proxies import node


@pytest.mark.parametrize(("answer", "status"), [(200, 0), (503, 1)])
def test_the_health_check_asks_the_service_itself_whatever_proxy_there_is(
    answer: int, status: int
) -> None:
    check = re.search(r"^    CMD (\[.*\])$", (PROJECT / "Dockerfile").read_text(), re.M)
    assert check
    _, *command = json.loads(check[1])
    with node(None) as (nobody, _), node(answer) as (port, _):
        proxy = f"http://127.0.0.1:{nobody}"
        env = {**os.environ, "APP_PORT": str(port), "http_proxy": proxy, "no_proxy": ""}
        env.pop("NO_PROXY", None)
        checked = subprocess.run([sys.executable, *command], env=env, capture_output=True)

    assert checked.returncode == status, checked.stderr.decode()
