"""The real service in a real process, for tests: started, stopped, killed, started again."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).parent.parent
# Where it runs: the `.env` of the project's folder is not what is tested.
ASIDE = ROOT / "tests"
START_SECONDS = 60
# For people, or in JSON; or as uvicorn says it.
SERVING = re.compile(r"(?:url\W+|running on )http://127\.0\.0\.1:(\d+)")
# What bounds one client must not bound the one client of a test; tests of the limits set them.
LIFTED = {
    "APP_COMMANDS_PER_SECOND": "1000000",
    "APP_COMMAND_BURST": "1000000",
    "APP_READ_BYTES_PER_SECOND": "1000000000",
    "APP_CONNECTIONS_PER_ADDRESS": "20000",
    "APP_CONNECTIONS_PER_PRINCIPAL": "20000",
}


def environment(**settings: str) -> dict[str, str]:
    """The variables of this process, with these settings of the service and no others."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("APP_")}
    return {**clean, "PYTHONPATH": str(ROOT), **settings}


class Service:
    """`python -m app` on a free port, with its event log in a folder of the test's."""

    program: Sequence[str] = ("-m", "app")

    def __init__(self, folder: Path, **settings: str) -> None:
        self.event_log = f"sqlite:///{folder / 'events.db'}"
        self.settings = {**LIFTED, "APP_EVENT_LOG": self.event_log, "APP_PORT": "0", **settings}
        self.log = folder / "service.log"
        self.process: subprocess.Popen[bytes] | None = None
        self.port = 0

    @property
    def url(self) -> str:
        """Where it speaks HTTP."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def ws(self) -> str:
        """Where it speaks WebSocket."""
        return f"ws://127.0.0.1:{self.port}"

    def start(self, *arguments: str) -> Service:
        """Start it, and wait until it answers; the same port again after a restart."""
        with self.log.open("ab") as lines:
            begin = lines.tell()
            self.process = subprocess.Popen(  # noqa: S603 - what a test asks for
                [sys.executable, *self.program, *arguments],
                cwd=ASIDE,
                env=environment(**self.settings),
                stdout=lines,
                stderr=lines,
            )
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and self.process.poll() is None:
            if self._answers(begin):
                self.settings["APP_PORT"] = str(self.port)
                return self
            time.sleep(0.02)
        self.kill()
        raise AssertionError(f"the service did not start:\n{self.words()}")

    def stop(self) -> int:
        """Ask it to stop, as an operator does; its exit status."""
        return self._end(signal.SIGTERM)

    def kill(self) -> None:
        """End it as a power cut does."""
        self._end(signal.SIGKILL)

    def words(self) -> str:
        """All that it has said so far."""
        return self.log.read_text()

    def _end(self, sign: signal.Signals) -> int:
        assert self.process is not None
        self.process.send_signal(sign)
        return self.process.wait(timeout=30)

    def _answers(self, begin: int) -> bool:
        said = self.log.read_bytes()[begin:].decode()
        serving = SERVING.search(said)
        if serving is None:
            return False
        self.port = int(serving[1])
        try:
            with urllib.request.urlopen(f"{self.url}/health", timeout=1) as answer:  # noqa: S310
                return bool(answer.status == 200)
        except OSError:
            return False
