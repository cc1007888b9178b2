"""Fills an event log, of whatever engine, with the entries of another."""

import asyncio
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice

from app.core.rejected import StartRefused
from app.runtime.event_log.port import (
    AnswerLost,
    Conflict,
    Entry,
    EventLog,
    LogUnavailable,
    TooLarge,
)
from app.runtime.event_log.reader import Reader

ENTRIES_AN_APPEND = 500


def restore(backup: Reader, event_log: EventLog, progress: Callable[[int, int], None]) -> int:
    """Store all entries of a backup in a log that is empty, or that a restore began to fill.

    Gives the position of the last one; `progress` hears how many there are, and how many of them
    are stored. Raises StartRefused when the log has other entries, or cannot be filled: then the
    next call goes on from there.
    """
    with asyncio.Runner() as runner:
        try:
            return runner.run(_restored(backup, event_log, progress))
        except (LogUnavailable, AnswerLost) as problem:
            raise StartRefused(f"{problem}; do it again, and it goes on from there") from None
        except Conflict:
            raise StartRefused("somebody else writes to the log: stop every service") from None
        except TooLarge as problem:
            raise StartRefused(f"an entry is more than the event log takes: {problem}") from None


async def _restored(
    backup: Reader, event_log: EventLog, progress: Callable[[int, int], None]
) -> int:
    try:
        await event_log.connect()
        stored = await event_log.end()
        if stored and not await _is_of(backup, event_log, stored):
            raise StartRefused(f"there is another log already, of {stored:,} entries")
        end = backup.end
        for some in _pieces(backup.entries(stored)):
            await _append(event_log, some)
            progress(end, some[-1].position)
        return end
    finally:
        await event_log.close()


async def _is_of(backup: Reader, event_log: EventLog, end: int) -> bool:
    """Whether what the log ends with is in the backup: each decision has a key of its own."""
    last = next(backup.entries(end - 1), None)
    return last is not None and [last] == list(await event_log.read(end - 1, 1))


async def _append(event_log: EventLog, entries: Sequence[Entry]) -> None:
    try:
        await event_log.append(entries[0].position - 1, entries)
    except TooLarge:
        if len(entries) == 1:
            raise
        middle = len(entries) // 2
        await _append(event_log, entries[:middle])
        await _append(event_log, entries[middle:])


def _pieces(entries: Iterable[Entry]) -> Iterator[Sequence[Entry]]:
    rest = iter(entries)
    while some := list(islice(rest, ENTRIES_AN_APPEND)):
        yield some
