"""A server of its own process, on a free port of this machine, for as long as it is needed."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from app.settings import Settings

from benchmarks.measure import WORK, cpu_of
from benchmarks.shop import TEN_YEARS

START_SECONDS = 120
STOP_SECONDS = 60
IDLE_SHARE = 0.03
# What bounds one client must not bound the one client of a measurement.
LIFTED = {
    "commands_per_second": "1000000000",
    "command_burst": "1000000000",
    "max_connections": "1000000",
    "connections_per_address": "1000000",
    "connections_per_principal": "1000000",
}


@dataclass(frozen=True, slots=True)
class Server:
    """Where it listens, and which process it is."""

    port: int
    pid: int

    def cpu(self) -> float:
        """Seconds of CPU that it has had."""
        return cpu_of(self.pid)

    def rss(self) -> int:
        """Bytes of memory that it holds."""
        resident = Path(f"/proc/{self.pid}/statm").read_text().split()[1]
        return int(resident) * os.sysconf("SC_PAGE_SIZE")

    async def idle(self) -> None:
        """Return when it has nothing left to do: what was asked for has also been followed up."""
        seconds = 0.05
        for _ in range(1200):
            before = self.cpu()
            await asyncio.sleep(seconds)
            if self.cpu() - before < IDLE_SHARE * seconds:
                return
        raise TimeoutError("the server is never idle")


@asynccontextmanager
async def serving(
    *options: str, past: Path | None = None, **settings: str
) -> AsyncIterator[Server]:
    """A server with an empty log, or with a copy of this one; `settings` are those of the app."""
    WORK.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=WORK) as folder:
        log = Path(folder) / "events.db"
        if past is not None:
            shutil.copy(past, log)
        command = [sys.executable, "-m", "benchmarks.server", *options]
        environment = {**os.environ, **_settings(log, settings)}
        process = await asyncio.create_subprocess_exec(
            *command, cwd=folder, env=environment, stdout=PIPE, stderr=asyncio.subprocess.STDOUT
        )
        reading: asyncio.Task[None] | None = None
        try:
            lines = process.stdout or asyncio.StreamReader()
            port = await asyncio.wait_for(_port(lines), START_SECONDS)
            reading = asyncio.create_task(_read(lines))
            yield Server(port, process.pid)
        finally:
            await ended(process)
            if reading is not None:
                reading.cancel()


def _settings(log: Path, given: dict[str, str]) -> dict[str, str]:
    lifted = {name: value for name, value in LIFTED.items() if name in Settings.model_fields}
    chosen = {"port": "0", "event_log": f"sqlite:///{log}", "order_expiry_seconds": str(TEN_YEARS)}
    return {f"APP_{name.upper()}": value for name, value in {**chosen, **lifted, **given}.items()}


async def _port(lines: asyncio.StreamReader) -> int:
    """The port that it says it listens on."""
    said = b""
    while line := await lines.readline():
        said += line
        if found := re.search(rb"http://127\.0\.0\.1:(\d+)", line):
            return int(found[1])
    raise RuntimeError(f"the server did not start:\n{said.decode()}")


async def _read(lines: asyncio.StreamReader) -> None:
    """Take what it says, so that it need not wait; an error must not go unseen."""
    while line := await lines.readline():
        if b"[error" in line or b"Traceback" in line:
            sys.stderr.write(line.decode())


async def ended(process: Process) -> None:
    """Have it end."""
    if process.returncode is None:
        process.terminate()
        try:
            await asyncio.wait_for(process.wait(), STOP_SECONDS)
        except TimeoutError:
            process.kill()
            await process.wait()
