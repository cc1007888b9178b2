"""Several processes that serve one port: started, watched, started again, stopped together."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import structlog

from app.cli.listener import Address
from app.cli.process import Process
from app.cli.worker import STOP, STOP_NOW, Task
from app.core.rejected import StartRefused
from app.observe.together import forget
from app.settings import Settings

# So many in a row, with growing pauses between, and all is given up.
FAILED_STARTS = 5
FIRST_SECONDS, LONGEST_SECONDS = 0.5, 8.0
LOOK_SECONDS = 1.0
SILENT_SECONDS = 20.0
# While it starts: to import, and to read a large snapshot, holds up its loop.
STARTING_SECONDS = 120.0

log = structlog.get_logger("app")


def serve_together(settings: Settings, address: Address, greet: Callable[[], None]) -> int:
    """Serve with so many processes until told to stop; the exit status.

    `greet` is called once, when the first of them serves. Raises StartRefused when they cannot
    start, or do not live.
    """
    with TemporaryDirectory(prefix="metrics-") as folder:

        def task(number: int) -> Task:
            # What tidies up temporary files may have taken it, as one that nobody touches.
            Path(folder).mkdir(mode=0o700, exist_ok=True)
            return Task(number, settings, address, Path(folder))

        return asyncio.run(Workers(task, greet).run(settings.workers))


class Workers:
    """Keeps each worker alive until all are told to stop.

    The first one starts alone: what refuses to start is found, and said, once.
    """

    def __init__(self, task: Callable[[int], Task], greet: Callable[[], None]) -> None:
        self._task = task
        self._greet = greet
        self._running: set[Process] = set()
        self._served = asyncio.Event()
        self._stopping = asyncio.Event()
        self._refusal: str | None = None
        self._status = 0

    async def run(self, count: int) -> int:
        """Run so many until told to stop; the exit status. Raises StartRefused."""
        loop = asyncio.get_running_loop()
        for sign in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(sign, self._stop)
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._keep(1), name="worker 1")
                await self._served.wait()
                for number in range(2, count + 1):
                    tasks.create_task(self._keep(number), name=f"worker {number}")
        finally:
            for process in self._running:  # a mistake of ours: they hear that nobody is here
                process.close()
        if self._refusal is not None:
            raise StartRefused(self._refusal)
        return self._status

    def _stop(self) -> None:
        """Have all drain and end; said again, they wait for nobody."""
        order = STOP_NOW if self._stopping.is_set() else STOP
        self._stopping.set()
        self._served.set()
        for process in self._running:
            process.say(order)
            if order == STOP_NOW and not process.is_ready:  # nobody is connected to it
                process.kill()

    async def _keep(self, number: int) -> None:
        """Have a worker of this number, one after another, until all are to stop."""
        failures = 0
        while not self._stopping.is_set():
            try:
                process = Process(self._task(number))
            except OSError as problem:  # there is no process, memory or descriptor to be had
                failures += 1
                log.error("a worker cannot be started", worker=number, problem=str(problem))
                self._count_failure(number, failures, str(problem))
                await self._pause(failures)
                continue
            self._running.add(process)
            await self._watch(process)
            self._running.discard(process)
            forget(process.task.folder, number)
            if self._stopping.is_set():
                self._count_end(process)
                return
            failures = 0 if process.was_steady else failures + 1
            self._judge(process, failures)
            await self._pause(failures)

    async def _watch(self, process: Process) -> None:
        """Greet once it serves, and wait until it has ended."""
        await self._wait(process, process.news)
        if process.is_ready and not self._served.is_set():
            self._greet()
            self._served.set()
        await self._wait(process, process.ended)

    async def _wait(self, process: Process, event: asyncio.Event) -> None:
        """Wait for what a process does; one that has said nothing for long is ended.

        The time is that of looks, not of the clock: while a container is paused, or a machine
        sleeps, none looks and nobody can speak.
        """
        longest = SILENT_SECONDS if process.is_ready else STARTING_SECONDS
        silent = 0.0
        while not event.is_set():
            with suppress(TimeoutError):
                async with asyncio.timeout(LOOK_SECONDS):
                    await event.wait()
            silent = 0.0 if process.has_spoken() else silent + LOOK_SECONDS
            if silent >= longest and not process.ended.is_set():
                log.error("a worker is stuck: it is ended", worker=process.task.number)
                process.kill()
                await process.ended.wait()

    def _judge(self, process: Process, failures: int) -> None:
        """Say how it ended; give up when it makes no sense to start another."""
        if process.refusal is not None and not self._served.is_set():
            self._give_up(process.refusal)
            return
        tell = log.info if process.status == 0 else log.error
        tell("a worker has ended", **process.facts())
        last = process.refusal or f"status {process.status}"
        self._count_failure(process.task.number, failures, last)

    def _count_failure(self, number: int, failures: int, last: str) -> None:
        if failures == FAILED_STARTS:
            self._give_up(f"worker {number} ended soon, {failures} times in a row: {last}")

    def _give_up(self, words: str) -> None:
        self._refusal = words
        self._stop()

    def _count_end(self, process: Process) -> None:
        if process.status != 0 and process.is_ready:
            log.error("a worker did not stop in order", **process.facts())
            self._status = 1

    async def _pause(self, failures: int) -> None:
        """Wait before the next start, longer after each failure in a row."""
        if failures:
            seconds = min(LONGEST_SECONDS, FIRST_SECONDS * 2 ** (failures - 1))
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self._stopping.wait()
