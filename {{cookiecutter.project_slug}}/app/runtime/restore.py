"""Fills an event log, of whatever engine, with the entries of another."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from time import monotonic

from app.core.rejected import StartRefused
from app.runtime.batched import batched
from app.runtime.event_log.port import (
    AnswerLost,
    Conflict,
    Entry,
    EventLog,
    LogUnavailable,
    TooLarge,
)
from app.runtime.event_log.reader import Reader
from app.runtime.lease import LEASE, LEASE_SECONDS

ENTRIES_AN_APPEND = 500
SECONDS_BETWEEN_CLAIMS = 0.5


def restore(backup: Reader, event_log: EventLog, progress: Callable[[int, int], None]) -> int:
    """Store all entries of a backup in a log that is empty, or that a restore began to fill.

    Gives how many were stored, which is 0 when all were there; `progress` hears how many there are,
    and how many of them are stored. Raises StartRefused when the log has other entries, when a
    service runs on it, or when it cannot be filled: then the next call goes on from there.
    """
    with asyncio.Runner() as runner:
        try:
            return runner.run(_restored(backup, event_log, progress))
        except LogUnavailable as problem:
            raise StartRefused(str(problem)) from None
        except Conflict:
            raise StartRefused("somebody else writes to the log: stop every service") from None
        except TooLarge as problem:
            raise StartRefused(f"an entry is more than the event log takes: {problem}") from None


async def _restored(
    backup: Reader, event_log: EventLog, progress: Callable[[int, int], None]
) -> int:
    try:
        await event_log.connect()
        began = stored = await event_log.end()
        if stored and not await _is_of(backup, event_log, stored):
            raise StartRefused(f"there is another log already, which ends at position {stored:,}")
        end = backup.end
        if stored == end:
            return 0
        async with _alone(event_log):
            try:
                for some in batched(backup.entries(stored), ENTRIES_AN_APPEND):
                    await _renew(event_log)
                    await _append(event_log, some)
                    stored = some[-1].position
                    progress(end, stored)
            except (LogUnavailable, AnswerLost) as problem:
                if stored == 0 and isinstance(problem, LogUnavailable):
                    raise
                words = f"{problem}; do it again, and it goes on from there"
                raise StartRefused(words) from None
        return stored - began
    finally:
        await event_log.close()


async def _is_of(backup: Reader, event_log: EventLog, end: int) -> bool:
    """Whether what the log ends with is in the backup: each decision has a key of its own."""
    last = next(backup.entries(end - 1), None)
    return last is not None and [last] == list(await event_log.read(end - 1, 1))


@asynccontextmanager
async def _alone(event_log: EventLog) -> AsyncIterator[None]:
    """Hold the lease that one of the services on a log has; raises StartRefused when one does.

    What was stored would be news to their clients. After a crash it takes a while to see that
    nobody renews the lease.
    """
    until = monotonic() + LEASE_SECONDS + 2 * SECONDS_BETWEEN_CLAIMS
    while await event_log.claim(LEASE, LEASE_SECONDS) is None:
        if monotonic() > until:
            raise _in_use()
        await asyncio.sleep(SECONDS_BETWEEN_CLAIMS)
    try:
        yield
    finally:
        with suppress(LogUnavailable):  # it lapses by itself
            await event_log.release(LEASE)


async def _renew(event_log: EventLog) -> None:
    if event_log.is_shared and await event_log.claim(LEASE, LEASE_SECONDS) is None:
        raise _in_use()


def _in_use() -> StartRefused:
    return StartRefused("a service runs on the event log: stop every one first")


async def _append(event_log: EventLog, entries: Sequence[Entry]) -> None:
    try:
        await event_log.append(entries[0].position - 1, entries)
    except TooLarge:
        if len(entries) == 1:
            raise
        middle = len(entries) // 2
        await _append(event_log, entries[:middle])
        await _append(event_log, entries[middle:])
