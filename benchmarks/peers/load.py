"""The clients of load.c, on a core of their own, which do what they are told."""

from __future__ import annotations

import asyncio
import json
import os
import resource
import shutil
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.peers import install
from benchmarks.serving import ended

ANSWER_SECONDS = 300


@dataclass(frozen=True, slots=True)
class Load:
    """So many clients, of a server that has a name."""

    name: str
    clients: int
    process: Process

    async def ask(self, line: str, *, may_lose: bool = False) -> dict[str, Any]:
        """Say a line, and return what load.c answers.

        Raises RuntimeError when a client has gone, or has not heard each event once and in order.
        """
        assert self.process.stdin is not None
        self.process.stdin.write(f"{line}\n".encode())
        said = await self.answer()
        if said["wrong"] or said["gone"] or said["here"] != self.clients:
            raise RuntimeError(f"{self.name}, {line}: {said}")
        if said["lost"] and not may_lose:
            raise RuntimeError(f"{self.name} has lost events, {line}: {said}")
        return said

    async def answer(self) -> dict[str, Any]:
        """What it says next."""
        assert self.process.stdout is not None
        line = await asyncio.wait_for(self.process.stdout.readline(), ANSWER_SECONDS)
        said: dict[str, Any] = json.loads(line or b'{"fault": "the client has ended"}')
        if "fault" in said:
            raise RuntimeError(f"{self.name}: {said['fault']}")
        return said


@asynccontextmanager
async def loading(
    name: str,
    ports: Sequence[int],
    clients: int,
    path: str,
    headers: str,
    command: str,
    welcome: str,
) -> AsyncIterator[Load]:
    """So many clients, when all have come to these ports in turn; load.c says what the rest is."""
    process = await asyncio.create_subprocess_exec(
        *on_core(-1),
        *(str(program()), ",".join(map(str, ports)), str(clients), path, headers, command, welcome),
        stdin=PIPE,
        stdout=PIPE,
    )
    try:
        load = Load(name, clients, process)
        here = (await load.answer())["here"]
        if here != clients:
            raise RuntimeError(f"{name}: {here} of {clients} clients came")
        yield load
    finally:
        await ended(process)


def program() -> Path:
    """What load.c becomes; raises Missing."""
    return install.compiled(Path(__file__).parent / "load.c")


def open_many_files() -> None:
    """Let this process have as many as it may; servers and clients inherit it."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def on_core(number: int) -> list[str]:
    """What keeps a program on one core: servers have the first, clients the last."""
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < 2 or shutil.which("taskset") is None:
        return []
    return ["taskset", "--cpu-list", str(cores[number])]
