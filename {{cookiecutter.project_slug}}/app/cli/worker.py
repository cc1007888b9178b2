"""One of several processes that serve one port: what it does, and what it says to its parent."""

import asyncio
import shutil
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

import structlog
from fastapi import FastAPI

from app.bootstrap import create_app
from app.cli.listener import Address, listen_too
from app.cli.server import Server
from app.core.rejected import StartRefused
from app.observe.beating import beating
from app.observe.logs import configure_logs
from app.observe.together import SharedMetrics
from app.settings import Env, Settings

BEAT_SECONDS = 1.0
MESSAGE_BYTES = 4096
# What a worker says to its parent; after REFUSED its reason.
READY, BEAT, REFUSED = b"ready", b".", b"refused "
# What the parent says to a worker. That nobody is there to say anything means STOP, too.
STOP, STOP_NOW = b"stop", b"stop now"

log = structlog.get_logger("app")


@dataclass(frozen=True, slots=True)
class Task:
    """What a worker has to do: its number, its settings, where it listens and where it counts."""

    number: int
    settings: Settings
    address: Address
    folder: Path


def work(task: Task, line: socket.socket) -> None:
    """Serve until told to stop; the main function of a process of its own."""
    settings = task.settings
    configure_logs(settings.log_level, as_json=settings.env is Env.PRODUCTION)
    structlog.contextvars.bind_contextvars(worker=task.number)
    parent = Line(line)
    try:
        metrics = SharedMetrics(task.folder, task.number)
        server = Worker(create_app(settings, metrics=metrics), parent)
        server.run_in_loop(lambda: server.serve_at(task.address))
    except StartRefused as refusal:
        parent.say(REFUSED + str(refusal).encode()[: MESSAGE_BYTES - len(REFUSED)])
        sys.exit(1)
    finally:
        if parent.is_gone:  # then nobody else tidies up
            shutil.rmtree(task.folder, ignore_errors=True)


class Line:
    """The line to the parent, message by message; nothing is waited for."""

    def __init__(self, line: socket.socket) -> None:
        line.setblocking(False)
        self._line = line
        self.is_gone = False

    def fileno(self) -> int:
        """What a loop watches."""
        return self._line.fileno()

    def say(self, message: bytes) -> None:
        """Tell the parent, if it is there and has room."""
        with suppress(OSError):
            self._line.send(message)

    def heard(self) -> bytes:
        """What the parent has said; STOP when it is there no more."""
        try:
            message = self._line.recv(MESSAGE_BYTES)
        except BlockingIOError:
            return b""
        except OSError:
            message = b""
        self.is_gone = not message
        return message or STOP


class Worker(Server):
    """A server that is stopped by its parent, by the parent's end, or by a signal."""

    def __init__(self, app: FastAPI, parent: Line) -> None:
        super().__init__(app)
        self._parent = parent
        self._is_prepared = self._has_served = False

    async def serve_at(self, address: Address) -> None:
        """Listen once there is an answer to give, and serve.

        From its last answer on it is silent, so that the parent ends one that does not come to its
        end: whatever is closed then, a port of the user's too, may hang.
        """
        async with self._obeying(), self.prepared():
            self._is_prepared = True
            listener = listen_too(address)
            self._parent.say(READY)
            try:
                await self.serve(sockets=[listener])
            finally:
                self._has_served = True

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Begin to stop; again and again is no haste, for a terminal tells everybody."""
        self.stop()

    @asynccontextmanager
    async def _obeying(self) -> AsyncIterator[None]:
        loop, serving = asyncio.get_running_loop(), asyncio.current_task()
        assert serving is not None  # noqa: S101 - this is a coroutine

        def hear() -> None:
            message = self._parent.heard()
            if self._parent.is_gone:
                loop.remove_reader(self._parent)
                log.error("the process that had started this one is gone: stopping")
            if message:
                self.stop()
                self.force_exit = self.force_exit or message == STOP_NOW
                if not self._is_prepared:
                    serving.cancel()

        loop.add_reader(self._parent, hear)

        def beat() -> None:
            """Show that this process is not stuck."""
            if not self._has_served:
                self._parent.say(BEAT)

        beat()
        try:
            async with beating("beat", BEAT_SECONDS, beat):
                yield
        finally:
            loop.remove_reader(self._parent)
