"""A server of its own process, on a free port of this machine, for as long as it is needed."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import sys
from asyncio.subprocess import Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

from benchmarks import production
from benchmarks.measure import WORK, cpu_of
from benchmarks.shop import TEN_YEARS

START_SECONDS = 120
STOP_SECONDS = 60
IDLE_SHARE = 0.03
ADDRESS = re.compile(rb"http://127\.0\.0\.1:(\d+)")
FAULT = re.compile(rb'"level":"(?:error|critical)"|Traceback')


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
        command = ("-m", "benchmarks.server", *options)
        async with started(*command, **{"event_log": f"sqlite:///{log}", **settings}) as server:
            yield server


@asynccontextmanager
async def started(*command: str, **settings: str) -> AsyncIterator[Server]:
    """Python with this command, as in production, with a free port."""
    variables = production.variables(port="0", order_expiry_seconds=str(TEN_YEARS), **settings)
    with TemporaryDirectory(dir=WORK) as folder, Path(folder, "lines").open("w+b") as lines:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, *command),
            cwd=folder,
            env={**os.environ, **variables},
            stdout=lines,
            stderr=lines,
        )
        try:
            yield Server(await _port(process, Path(lines.name)), process.pid)
        finally:
            await ended(process)
            _tell_of_faults(Path(lines.name))


async def _port(process: Process, lines: Path) -> int:
    """The port that it says it listens on."""
    begin = perf_counter()
    while perf_counter() - begin < START_SECONDS and process.returncode is None:
        if found := ADDRESS.search(lines.read_bytes()):
            return int(found[1])
        await asyncio.sleep(0.02)
    raise RuntimeError(f"the server did not start:\n{lines.read_text()}")


def _tell_of_faults(lines: Path) -> None:
    """An error must not go unseen."""
    for line in lines.read_bytes().splitlines():
        if FAULT.search(line):
            sys.stderr.write(f"{line.decode()}\n")


async def ended(process: Process) -> None:
    """Have it end."""
    if process.returncode is None:
        process.terminate()
        try:
            await asyncio.wait_for(process.wait(), STOP_SECONDS)
        except TimeoutError:
            process.kill()
            await process.wait()
