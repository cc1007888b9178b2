"""What a process holds, as it is seen from outside."""

import asyncio
import re
import urllib.request
from pathlib import Path
from typing import NamedTuple

from tests.service import Service

FAULT = re.compile(r"\[(error|critical) *\]|\"level\": ?\"(error|critical)\"|Traceback")


class Held(NamedTuple):
    """How much of what can leak there is."""

    connections: int
    subscribers: int
    tasks: int
    queued_bytes: int
    descriptors: int


def held(service: Service) -> Held:
    """What the process holds now, with the task of one request for its metrics."""
    descriptors = len(list(_process(service).joinpath("fd").iterdir()))
    with urllib.request.urlopen(f"{service.url}/metrics", timeout=10) as answer:  # noqa: S310
        said = answer.read().decode()

    def gauge(name: str) -> int:
        found = re.search(rf"^app_{name} (\S+)$", said, re.MULTILINE)
        assert found is not None, name
        return int(float(found[1]))

    return Held(
        gauge("connections"),
        gauge("subscribers"),
        gauge("tasks"),
        gauge("queued_bytes"),
        descriptors,
    )


async def at_rest(service: Service, expected: Held | None = None) -> Held:
    """What it holds when it has seen all clients go: this, or the same for three looks."""
    looks: list[Held] = []
    async with asyncio.timeout(15):
        while expected not in looks and not (len(looks) > 2 and len(set(looks[-3:])) == 1):
            await asyncio.sleep(0.1)
            looks.append(await asyncio.to_thread(held, service))
    return looks[-1]


def resident_bytes(service: Service) -> int:
    """The memory of the process (VmRSS of proc(5))."""
    status = _process(service).joinpath("status").read_text()
    found = re.search(r"VmRSS:\s+(\d+) kB", status)
    assert found is not None
    return int(found[1]) * 1024


def faults(service: Service) -> list[str]:
    """The lines of its log that somebody has to look at."""
    return [line for line in service.words().splitlines() if FAULT.search(line)]


def _process(service: Service) -> Path:
    assert service.process is not None
    return Path("/proc", str(service.process.pid))
