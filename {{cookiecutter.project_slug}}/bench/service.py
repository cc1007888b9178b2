"""The service in a process of its own, with an event log in memory and its limits lifted."""

from __future__ import annotations

import asyncio
import os
import re
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import IO

ROOT = Path(__file__).resolve().parent.parent
SERVING = re.compile(rb"url=(http://[\d.]+:\d+)")
START_SECONDS = 30
MOST_BYTES = 64 * 1024


@asynccontextmanager
async def serving(connections: int) -> AsyncIterator[tuple[str, int]]:
    """Where it is, and its process id, while the context lasts; raises OSError."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("APP_")}
    clean |= {"PYTHONPATH": str(ROOT), "NO_COLOR": "1"}
    most = str(connections + 10)
    settings = {
        "APP_EVENT_LOG": "memory://",
        "APP_HOST": "127.0.0.1",
        "APP_PORT": "0",
        "APP_MAX_CONNECTIONS": most,
        "APP_CONNECTIONS_PER_ADDRESS": most,
        "APP_CONNECTIONS_PER_PRINCIPAL": most,
        "APP_COMMANDS_PER_SECOND": "1000000",
        "APP_COMMAND_BURST": "1000000",
    }
    with tempfile.TemporaryFile() as words:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "app"),
            cwd=ROOT / "bench",  # the settings in the project's `.env` are not for this
            env={**clean, **settings},
            stdout=words,
            stderr=words,
        )
        try:
            yield await _address(process, words), process.pid
        finally:
            if process.returncode is None:
                process.terminate()
                await process.wait()


async def _address(process: asyncio.subprocess.Process, words: IO[bytes]) -> str:
    said = b""
    for _ in range(START_SECONDS * 50):
        said += os.pread(words.fileno(), MOST_BYTES, len(said))
        if found := SERVING.search(said):
            return found[1].decode()
        if process.returncode is not None:
            break
        await asyncio.sleep(0.02)
    raise OSError(f"the service did not start:\n{said.decode()}")
