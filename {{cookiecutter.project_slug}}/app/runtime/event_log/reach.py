"""Reaches an event log that may not be there yet: whoever needs it waits for it."""

import asyncio
from random import SystemRandom

import structlog

from app.runtime.event_log.port import EventLog, LogUnavailable

FIRST_SECONDS, LONGEST_SECONDS = 0.5, 15.0

chance = SystemRandom()

log = structlog.get_logger(__name__)


async def reach(event_log: EventLog) -> None:
    """Connect, again and again until it succeeds; raises StartRefused when that is of no use."""
    seconds = FIRST_SECONDS
    while True:
        try:
            await event_log.connect()
        except LogUnavailable as problem:
            words = str(problem)
            log.error("the event log cannot be reached yet", problem=words, again_in=seconds)
            await asyncio.sleep(chance.uniform(seconds / 2, seconds))
            seconds = min(LONGEST_SECONDS, 2 * seconds)
        else:
            return
