"""The load tool: what it reports, what it notices, and what it says when it is refused."""

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from bench.load import default_command, parser
from bench.process import listening
from bench.run import Plan, Refused, load
from tests.bench.crooked import Mistake, crooked
from tests.service import ROOT, Service

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

FIGURES = {
    "connections", "commands", "deliveries", "lost", "repeated", "ended", "seconds",
    "commands_per_second", "deliveries_per_second", "connects_per_second", "latency_ms",
    "server", "tool",
}  # fmt: skip


async def run(*arguments: str) -> tuple[int | None, str, str]:
    """The tool in a process of its own: its status, what it prints, and what it complains of."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, *arguments),
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await asyncio.wait_for(process.communicate(), 120)
    return process.returncode, out.decode(), err.decode()


async def test_a_hundred_clients_each_hear_all_of_a_hundred_events() -> None:
    some = ("--connections", "100", "--rate", "100", "--seconds", "1", "--json")

    status, out, err = await run("-m", "bench.load", *some)

    report: dict[str, Any] = json.loads(out)
    assert (status, err) == (0, "")
    assert set(report) == FIGURES
    assert (report["connections"], report["commands"], report["deliveries"]) == (100, 100, 10_000)
    assert (report["lost"], report["repeated"], report["ended"]) == (0, 0, [])
    latency = report["latency_ms"]
    assert 0 < latency["p50"] <= latency["p99"] <= latency["max"]
    if sys.platform == "linux":
        assert report["server"]["cpu_us_per_delivery"] > 0
        assert report["server"]["kb_per_connection"] > 0


async def test_as_a_file_it_finds_what_it_imports_and_says_it_in_words() -> None:
    some = ("--connections", "10", "--rate", "100", "--seconds", "0.1")

    status, out, err = await run("bench/load.py", *some)

    assert (status, err) == (0, "")
    assert "100 events heard" in out
    assert "0 lost, 0 repeated" in out


@pytest.mark.parametrize(
    ("mistake", "lost", "repeated"),
    [
        (lambda due: due[1:], 1, 0),
        (lambda due: [due[0], *due], 0, 1),
        (lambda due: due[::-1], 2, 2),
        (lambda due: [], 3, 0),
    ],
    ids=["one is lost", "one is doubled", "three are out of order", "three are lost"],
)
@pytest.mark.parametrize(("client", "of"), [(0, 8), (3, 8), (0, 1)])
async def test_whatever_one_client_hears_wrongly_is_noticed(
    mistake: Mistake, lost: int, repeated: int, client: int, of: int
) -> None:
    async with crooked(mistake, at=10, client=client) as url:
        plan = Plan(url=url, connections=of, rate=200, seconds=0.1, command="Go")
        report = await load(plan, patience=0.5)

    assert (report.lost, report.repeated) == (lost, repeated)
    assert not report.is_whole
    assert report.commands == 20


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"APP_CONNECTIONS_PER_ADDRESS": "5"}, "raise APP_CONNECTIONS_PER_ADDRESS"),
        ({"APP_MAX_CONNECTIONS": "5"}, "raise APP_MAX_CONNECTIONS"),
        (
            {"APP_COMMANDS_PER_SECOND": "1", "APP_COMMAND_BURST": "1"},
            "raise APP_COMMANDS_PER_SECOND and APP_COMMAND_BURST",
        ),
    ],
)
async def test_a_limit_that_stands_in_the_way_is_named(
    tmp_path: Path, settings: dict[str, str], words: str
) -> None:
    service = Service(tmp_path, **settings).start()
    try:
        plan = Plan(service.url, connections=20, rate=50, seconds=1, command=default_command())
        with pytest.raises(Refused, match=words):
            await load(plan)
    finally:
        service.kill()


async def test_a_connection_that_is_one_too_many_names_its_limit(tmp_path: Path) -> None:
    service = Service(tmp_path, APP_CONNECTIONS_PER_PRINCIPAL="3").start()
    try:
        plan = Plan(f"{service.url}?user=ada&role=operator", 3, 50, 1, default_command())
        with pytest.raises(Refused, match="raise APP_CONNECTIONS_PER_PRINCIPAL"):
            await load(plan)
    finally:
        service.kill()


async def test_a_command_that_nobody_hears_of_is_refused_in_words(shared_service: Service) -> None:
    plan = Plan(shared_service.url, 3, 100, 1, default_command(), topics=["revocation:x"])

    with pytest.raises(Refused, match="leads to no event that is heard"):
        await load(plan, patience=0.5)


async def test_a_refusal_is_one_line_and_status_2(shared_service: Service) -> None:
    status, out, err = await run("-m", "bench.load", "--url", f"{shared_service.url}/elsewhere")

    assert (status, out) == (2, "")
    assert err.startswith("cannot go on: ")
    assert err.count("\n") == 1


def test_a_command_that_is_no_json_is_refused_in_words(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        parser().parse_args(["--command", "{bad"])

    assert "argument --command: {bad is not JSON: " in capsys.readouterr().err


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has /proc")
def test_the_process_that_listens_is_found_on_this_machine_only(shared_service: Service) -> None:
    assert shared_service.process is not None

    assert listening(shared_service.url) == shared_service.process.pid
    assert listening("http://192.0.2.1:80") is None


def test_there_is_a_command_of_a_feature_that_is_there() -> None:
    command = default_command()

    assert isinstance(command, dict)
    assert len(command) == 1
