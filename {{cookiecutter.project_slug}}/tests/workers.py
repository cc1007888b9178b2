"""The real service with several workers, for tests."""

from __future__ import annotations

import os
import re
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from tests.service import Service

PID, NUMBER = re.compile(r"\bpid\W+(\d+)"), re.compile(r"\bworker\W+(\d+)")
SECONDS = 40


class Workers(Service):
    """`python -m app --workers N`, once all of them serve."""

    def __init__(self, folder: Path, count: int, **settings: str) -> None:
        super().__init__(folder, **settings)
        self.count = count

    def start(self, *arguments: str) -> Workers:
        """Start it, and wait for all workers."""
        super().start("--workers", str(self.count), *arguments)
        self.until(lambda: len(self.started()) >= self.count)
        return self

    def started(self) -> list[int]:
        """The pid of every worker that has begun to serve, in order; some may have ended."""
        return [pid for pid, _ in self._pids_and_numbers()]

    def pid_of(self, worker: int) -> int:
        """The pid of the last worker of this number."""
        return [pid for pid, number in self._pids_and_numbers() if number == worker][-1]

    def end_one(self, worker: int, sign: signal.Signals) -> int:
        """Send a signal to the last worker of this number; its pid."""
        pid = self.pid_of(worker)
        os.kill(pid, sign)
        return pid

    def sockets(self) -> list[int]:
        """How many sockets each worker has open, by the kernel."""
        return [_sockets_of(pid) for pid in self.started()]

    def nobody_is_left(self) -> bool:
        """Whether every worker that ever was has ended."""
        return not any(is_alive(pid) for pid in self.started())

    def end(self) -> None:
        """Leave nobody behind, whatever a test has done to them."""
        self.kill()
        self._send_all(signal.SIGCONT)  # they end by themselves, and tidy up
        try:
            self.until(self.nobody_is_left)
        finally:
            self._send_all(signal.SIGKILL)

    def _send_all(self, sign: signal.Signals) -> None:
        for pid in self.started():
            with suppress(ProcessLookupError):
                os.kill(pid, sign)

    def _pids_and_numbers(self) -> list[tuple[int, int]]:
        lines = [line for line in self.words().splitlines() if "a worker serves" in line]
        return [(int(PID.findall(line)[-1]), int(NUMBER.findall(line)[-1])) for line in lines]

    def until(self, holds: Callable[[], bool]) -> None:
        """Wait for what other processes do."""
        deadline = time.monotonic() + SECONDS
        while not holds():
            assert time.monotonic() < deadline, self.words()
            time.sleep(0.02)


def is_alive(pid: int) -> bool:
    """Whether there is such a process, and it has not ended yet."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def _sockets_of(pid: int) -> int:
    found = 0
    for each in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(FileNotFoundError):  # closed meanwhile
            found += os.readlink(each).startswith("socket:")
    return found
