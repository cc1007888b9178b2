"""/metrics of several workers: whichever answers tells of all, the dead included."""

import signal
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from shutil import rmtree
from tempfile import TemporaryDirectory

import httpx
import pytest

from tests.live.raw import upgraded
from tests.observe.test_metrics import COMMAND, URL, Scrape
from tests.workers import Workers

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="several workers need Linux"),
]

COMMANDS = {"name": "RevokeTokens", "door": "http", "outcome": "ok"}
SCRAPES = 10


@pytest.fixture
def temporary() -> Iterator[Path]:
    """Where what they share lies; a short path, for it is a socket's too."""
    with TemporaryDirectory(dir="/tmp") as folder:
        yield Path(folder)


@pytest.fixture
def workers(tmp_path: Path, temporary: Path) -> Iterator[Workers]:
    """Three of them."""
    running = Workers(tmp_path, 3, TMPDIR=str(temporary)).start()
    yield running
    running.end()


def scraped(workers: Workers) -> Scrape:
    """What one of them says, by a new connection."""
    return Scrape(httpx.get(f"{workers.url}/metrics").raise_for_status().text)


def test_whichever_worker_is_asked_tells_of_all_also_after_one_has_died(workers: Workers) -> None:
    with ExitStack() as opened:
        for _ in range(30):
            opened.enter_context(upgraded(workers.port))
        count_and_kill(workers)


def count_and_kill(workers: Workers) -> None:
    for _ in range(40):  # each by a new connection
        assert httpx.post(f"{workers.url}{URL}", json=COMMAND).status_code == 200
    workers.until(lambda: scraped(workers)("app_connections") == 30)
    workers.until(lambda: scraped(workers)("app_log_position") == 40)

    scrapes = [scraped(workers) for _ in range(SCRAPES)]
    for each in scrapes:
        assert each("app_commands_total", **COMMANDS) == 40
        assert each("app_command_seconds_count", door="http") == 40
        assert each("app_command_seconds_bucket", door="http", le="+Inf") == 40
        assert each("app_entries_total") == 40
        assert each("app_connections_opened_total") == 30
        assert each("app_log_position") == 40
    memory = scrapes[0]("process_resident_memory_bytes")
    cpu = [each("process_cpu_seconds_total") for each in scrapes]
    assert memory > 3 * 30_000_000
    assert cpu == sorted(cpu)

    with upgraded(workers.port):  # so that one who stays has a client
        # A client hears that it is connected before its worker has counted it.
        workers.until(lambda: scraped(workers)("app_connections_opened_total") == 31)
        workers.end_one(2, signal.SIGKILL)
        workers.until(lambda: scraped(workers)("app_connections") < 30)
        assert len(workers.started()) == 3, "not only when another counts in its place"
        workers.until(lambda: len(workers.started()) == 4)
        after = [scraped(workers) for _ in range(SCRAPES)]
    for each in after:
        assert each("app_commands_total", **COMMANDS) == 40
        assert each("app_connections_opened_total") == 31
        assert each("app_log_position") == 40
        assert each("process_cpu_seconds_total") >= cpu[-1]
    assert len({each("app_connections") for each in after}) == 1


def test_what_tidies_up_temporary_files_ends_nobody(workers: Workers, temporary: Path) -> None:
    (folder,) = temporary.glob("metrics-*")
    rmtree(folder)

    workers.end_one(2, signal.SIGKILL)

    workers.until(lambda: len(workers.started()) == 4)
    for _ in range(SCRAPES):
        assert scraped(workers)("process_resident_memory_bytes") > 0
    assert workers.stop() == 0
    assert list(temporary.glob("metrics-*")) == []
