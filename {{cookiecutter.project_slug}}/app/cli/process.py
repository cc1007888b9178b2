"""One worker as its parent sees it: started, heard, told what to do, ended."""

from __future__ import annotations

import asyncio
import multiprocessing
import socket
from contextlib import ExitStack, suppress
from time import monotonic

import structlog

from app.cli.worker import MESSAGE_BYTES, READY, REFUSED, Task, work

# A worker that ends sooner than so many seconds after it was ready has failed to start.
STEADY_SECONDS = 10.0

SPAWN = multiprocessing.get_context("spawn")
log = structlog.get_logger("app")


class Process:
    """One worker, from its start to its end."""

    def __init__(self, task: Task) -> None:
        self.task = task
        self.ended, self.news = asyncio.Event(), asyncio.Event()
        self._has_spoken = False
        self.refusal: str | None = None
        self._ready_at: float | None = None
        self._ended_at = 0.0
        self._line, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._line.setblocking(False)
        with theirs, ExitStack() as failed:
            failed.callback(self._line.close)
            self._process = SPAWN.Process(target=work, args=(task, theirs))
            self._process.start()
            failed.pop_all()
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._line, self._hear)
        self._loop.add_reader(self._process.sentinel, self._end)

    @property
    def is_ready(self) -> bool:
        """Whether it has begun to serve."""
        return self._ready_at is not None

    @property
    def was_steady(self) -> bool:
        """Whether it has served for a while, or has ended because it was told to."""
        if self._ready_at is None:
            return False
        return self.status == 0 or self._ended_at - self._ready_at >= STEADY_SECONDS

    @property
    def status(self) -> int | None:
        """Its exit status; a signal that ended it is a negative number."""
        return self._process.exitcode

    def facts(self) -> dict[str, object]:
        """What a log line says of its end."""
        number, pid = self.task.number, self._process.pid
        facts: dict[str, object] = {"worker": number, "pid": pid, "status": self.status}
        return facts if self.refusal is None else {**facts, "reason": self.refusal}

    def has_spoken(self) -> bool:
        """Whether it has said anything since this was asked."""
        has_spoken, self._has_spoken = self._has_spoken, False
        return has_spoken

    def say(self, order: bytes) -> None:
        """Tell it what to do, if it is still there."""
        with suppress(OSError):
            self._line.send(order)

    def kill(self) -> None:
        """End it at once."""
        self._process.kill()

    def close(self) -> None:
        """Let it go: it stops by itself."""
        self._loop.remove_reader(self._line)
        self._line.close()

    def _hear(self) -> None:
        with suppress(BlockingIOError, ConnectionResetError):
            while message := self._line.recv(MESSAGE_BYTES):
                self._take(message)
            self._loop.remove_reader(self._line)  # it has nothing more to say

    def _take(self, message: bytes) -> None:
        self._has_spoken = True
        if message == READY:
            self._ready_at = monotonic()
            self.news.set()
            log.info("a worker serves", worker=self.task.number, pid=self._process.pid)
        elif message.startswith(REFUSED):
            self.refusal = message.removeprefix(REFUSED).decode(errors="replace")

    def _end(self) -> None:
        self._loop.remove_reader(self._process.sentinel)
        self._hear()  # its last words
        self.close()
        self._process.join()
        self._ended_at = monotonic()
        self.ended.set()
        self.news.set()
