"""What is done again and again, in a task of its own."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import structlog

log = structlog.get_logger(__name__)


@asynccontextmanager
async def beating(name: str, seconds: float, beat: Callable[[], None]) -> AsyncIterator[None]:
    """Call it every so many seconds, as long as the context lasts; the first time after as many."""
    task = asyncio.create_task(_beat(name, seconds, beat), name=name)
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])


async def _beat(name: str, seconds: float, beat: Callable[[], None]) -> None:
    while True:
        await asyncio.sleep(seconds)
        try:
            beat()
        except Exception:  # one that fails must not be the last
            log.exception("what is done again and again has failed", what=name)
