"""Workers that cannot start, or hang at their start or end: the others serve on."""

import asyncio
import os
import re
import resource
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from functools import partial
from pathlib import Path

import pytest

from app import adapters, bootstrap
from app.cli import worker
from app.core.ports import Ports
from tests.service import ASIDE, environment
from tests.workers import Workers, is_alive

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="several workers need Linux"),
]

# The service, which waits less long for a worker that starts.
IMPATIENT = (
    "import sys; from app.cli import main, workers; "
    "workers.STARTING_SECONDS = 8.0; sys.exit(main())"
)
# The service, which waits less long for a worker that says nothing.
STRICT = (
    "import sys; from app.cli import main, workers; workers.SILENT_SECONDS = 3.0; sys.exit(main())"
)
# The service, whose workers have a port that does not close.
CLINGING = (
    "import sys; from app.cli import main, process, workers; "
    "from tests.cli.test_hanging_workers import work_and_cling; "
    "process.work = work_and_cling; workers.SILENT_SECONDS = 3.0; sys.exit(main())"
)


def work_and_cling(task: worker.Task, line: socket.socket) -> None:
    """A worker's process."""

    @asynccontextmanager
    async def open_ports() -> AsyncIterator[Ports]:
        async with adapters.open_ports() as ports:
            yield ports
        await asyncio.Event().wait()

    worker.create_app = partial(bootstrap.create_app, ports=open_ports)  # type: ignore[attr-defined]
    worker.work(task, line)


@pytest.fixture
def workers(tmp_path: Path) -> Iterator[Workers]:
    """Two of them."""
    running = Workers(tmp_path, 2).start()
    yield running
    running.end()


def stopped_at_its_start(parent: int, known: list[int]) -> int:
    """The pid of the next worker of this parent, which does nothing any more."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        for pid in set(children(parent)) - set(known):
            with suppress(FileNotFoundError, ProcessLookupError):
                if b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes():
                    os.kill(pid, signal.SIGSTOP)
                    return pid
        time.sleep(0.005)
    raise TimeoutError("no worker was started")


def children(parent: int) -> list[int]:
    """The pids of the processes that this one has started."""
    return [int(pid) for pid in Path(f"/proc/{parent}/task/{parent}/children").read_text().split()]


def test_a_second_signal_does_not_wait_for_a_worker_that_hangs_at_its_start(
    workers: Workers,
) -> None:
    assert workers.process is not None
    workers.end_one(2, signal.SIGKILL)
    hung = stopped_at_its_start(workers.process.pid, workers.started())
    try:
        workers.process.send_signal(signal.SIGTERM)
        workers.until(workers.nobody_is_left)  # of those that have served

        workers.process.send_signal(signal.SIGTERM)

        assert workers.process.wait(10) == 0
        assert not is_alive(hung)
    finally:
        with suppress(ProcessLookupError):
            os.kill(hung, signal.SIGKILL)


def test_a_worker_that_cannot_be_started_now_is_started_later(workers: Workers) -> None:
    assert workers.process is not None
    parent = workers.process.pid
    first = workers.pid_of(1)
    limits = resource.prlimit(parent, resource.RLIMIT_NOFILE)
    resource.prlimit(parent, resource.RLIMIT_NOFILE, (3, limits[1]))

    workers.end_one(2, signal.SIGKILL)
    workers.until(lambda: "a worker cannot be started" in workers.words())
    resource.prlimit(parent, resource.RLIMIT_NOFILE, limits)

    workers.until(lambda: len(workers.started()) == 3)
    assert is_alive(first)
    assert workers.stop() == 0


def test_a_worker_that_hangs_at_its_start_is_ended_and_another_serves(tmp_path: Path) -> None:
    with service_of(IMPATIENT, tmp_path) as (service, said):
        hung = stopped_at_its_start(service.pid, [])
        try:
            until(lambda: "a worker serves" in said.read_text(), said)
            assert said.read_text().count("a worker is stuck: it is ended") == 1
            assert not is_alive(hung)
            service.send_signal(signal.SIGTERM)
            assert service.wait(20) == 0
        finally:
            with suppress(ProcessLookupError):
                os.kill(hung, signal.SIGKILL)


def test_a_worker_that_hangs_at_its_end_is_ended_and_another_serves(tmp_path: Path) -> None:
    with service_of(CLINGING, tmp_path) as (service, said):
        until(lambda: said.read_text().count("a worker serves") == 2, said)
        clinging = int(re.findall(r"a worker serves.*pid=(\d+)", said.read_text())[0])

        os.kill(clinging, signal.SIGTERM)
        until(lambda: said.read_text().count("a worker serves") == 3, said)

        assert said.read_text().count("a worker is stuck: it is ended") == 1
        assert not is_alive(clinging)
        service.send_signal(signal.SIGTERM)
        assert service.wait(20) == 1  # the others hang, too


def test_when_all_stood_still_nobody_was_silent(tmp_path: Path) -> None:
    """As `docker pause` does it, or the sleep of a laptop: the parent may be the first to wake."""
    with service_of(STRICT, tmp_path) as (service, said):
        until(lambda: said.read_text().count("a worker serves") == 2, said)
        frozen = [int(pid) for pid in re.findall(r"a worker serves.*pid=(\d+)", said.read_text())]
        for pid in service.pid, *frozen:
            os.kill(pid, signal.SIGSTOP)
        time.sleep(4)

        os.kill(service.pid, signal.SIGCONT)
        until(lambda: is_asleep(service.pid), said)  # it has looked at them
        for pid in frozen:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)

        service.send_signal(signal.SIGTERM)
        assert service.wait(20) == 0
        assert "a worker is stuck" not in said.read_text()


def is_asleep(pid: int) -> bool:
    """Whether this process waits for something, and is not stopped."""
    return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "S"


@contextmanager
def service_of(code: str, folder: Path) -> Iterator[tuple[subprocess.Popen[bytes], Path]]:
    """Two workers, by this code; and the file that they write to."""
    settings = {"APP_PORT": "0", "APP_EVENT_LOG": f"sqlite:///{folder}/e.db", "NO_COLOR": "1"}
    said = folder / "said"
    with said.open("wb") as lines:
        service = subprocess.Popen(  # noqa: S603 - what a test asks for
            [sys.executable, "-c", code, "--workers", "2"],
            cwd=ASIDE,
            env=environment(**settings),
            stdout=lines,
            stderr=lines,
        )
    try:
        yield service, said
    finally:
        service.kill()
        service.wait()


def until(claim: Callable[[], bool], said: Path) -> None:
    """Return when it is so."""
    deadline = time.monotonic() + 40
    while not claim():
        assert time.monotonic() < deadline, said.read_text()
        time.sleep(0.05)
