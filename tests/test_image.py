"""What the Dockerfile and compose.yaml say, as far as it shows without an engine."""

import json
import os
import re
import subprocess
import sys
from typing import Any

import pytest
import yaml

from tests.guide.running import PROJECT
from tests.proxies import node

SERVICES: dict[str, Any] = yaml.safe_load((PROJECT / "compose.yaml").read_text())["services"]
OURS = {name: said for name, said in SERVICES.items() if "build" in said}


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


def test_the_lines_of_env_reach_every_container_of_the_service_but_for_those_of_its_place() -> None:
    of_its_place = {"APP_HOST", "APP_PORT", "APP_EVENT_LOG"}
    assert len(OURS) == 5

    for name, service in OURS.items():
        believed = set() if name == "service" else {"APP_TRUSTED_PROXIES"}
        fixed = {name for name, value in service["environment"].items() if "${APP_" not in value}
        assert service["env_file"] == [{"path": ".env", "required": False}], name
        assert fixed == of_its_place | believed, name


def test_what_a_container_says_is_not_kept_for_ever() -> None:
    for name, service in SERVICES.items():
        assert service["logging"]["options"].keys() == {"max-size", "max-file"}, name
