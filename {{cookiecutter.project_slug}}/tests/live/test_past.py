"""Clients that come back together read the log once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest

from app.access.store import AppStore
from app.adapters import open_ports
from app.bootstrap import rules
from app.core.principal import Principal, Role
from app.core.rejected import Rejected
from app.domain.revocation.actions import RevokeTokens
from app.live.past import PAGE_ENTRIES, PAGES, READS_AT_ONCE, Past
from app.runtime.event_log.memory import MemoryLog
from app.runtime.event_log.port import Entry, LogUnavailable
from app.runtime.store import open_store
from app.settings import Settings

pytestmark = pytest.mark.anyio

OLGA = Principal("olga", Role.OPERATOR)
CLIENTS = 50


class Counted(MemoryLog):
    """A log that keeps what it was asked for, and can be away."""

    def __init__(self) -> None:
        super().__init__()
        self.reads: list[tuple[int, int]] = []
        self.is_away = False
        self.under_way = self.most_under_way = 0
        self.before_answer = asyncio.Event()

    async def read(self, after: int, limit: int) -> Sequence[Entry]:
        """As the log itself."""
        self.reads.append((after, limit))
        self.under_way += 1
        self.most_under_way = max(self.most_under_way, self.under_way)
        await asyncio.sleep(0)
        self.under_way -= 1
        if self.is_away:
            raise LogUnavailable("away")
        found = await super().read(after, limit)
        self.before_answer.set()
        return found


@asynccontextmanager
async def stage(events: int) -> AsyncIterator[tuple[Counted, AppStore]]:
    log = Counted()
    async with open_ports() as ports, open_store(log, rules(Settings()), ports) as store:
        await say(store, events)
        log.reads.clear()
        yield log, store


async def say(store: AppStore, events: int) -> None:
    await asyncio.gather(
        *(store.dispatch(RevokeTokens(str(number)), by=OLGA) for number in range(events))
    )


async def told(past: Past, store: AppStore, since: int) -> list[int]:
    """The positions of what a client that was away hears."""
    seqs: list[int] = []
    while since < store.seq:
        events, since = await past.after(since)
        seqs += [heard.seq or 0 for heard in events]
    return seqs


async def test_those_who_come_together_read_each_page_once() -> None:
    async with stage(2 * PAGE_ENTRIES + 10) as (log, store):
        past = Past(store)
        ways = await asyncio.gather(*(told(past, store, since) for since in range(CLIENTS)))

    assert ways == [list(range(since + 1, store.seq + 1)) for since in range(CLIENTS)]
    assert log.reads == [(0, PAGE_ENTRIES), (PAGE_ENTRIES, PAGE_ENTRIES), (2 * PAGE_ENTRIES, 10)]


async def test_those_who_were_away_for_different_times_read_only_so_many_pages_at_once() -> None:
    async with stage(3 * READS_AT_ONCE * PAGE_ENTRIES) as (log, store):
        past = Past(store)
        begins = range(0, store.seq, PAGE_ENTRIES)
        pages = await asyncio.gather(*(past.after(begin) for begin in begins))

    assert [page.end for page in pages] == [begin + PAGE_ENTRIES for begin in begins]
    assert log.most_under_way == READS_AT_ONCE


async def test_of_a_page_that_was_not_full_only_the_rest_is_read() -> None:
    async with stage(10) as (log, store):
        past = Past(store)
        assert await told(past, store, 8) == [9, 10]
        await say(store, 5)
        assert await told(past, store, 9) == [10, 11, 12, 13, 14, 15]

    assert log.reads == [(0, 10), (10, 5)]


async def test_pages_that_nobody_reads_any_more_are_not_kept() -> None:
    async with stage((PAGES + 1) * PAGE_ENTRIES) as (log, store):
        past = Past(store)
        await told(past, store, 0)
        await told(past, store, PAGE_ENTRIES)
        assert len(log.reads) == PAGES + 1
        await past.after(0)

    assert len(log.reads) == PAGES + 2


async def test_a_log_that_is_away_is_asked_once_and_again_by_whoever_comes_next() -> None:
    async with stage(10) as (log, store):
        past = Past(store)
        log.is_away = True
        failed = await asyncio.gather(
            *(past.after(0) for _ in range(CLIENTS)), return_exceptions=True
        )
        assert {type(each) for each in failed} == {Rejected}
        assert len(log.reads) == 1
        log.is_away = False
        assert await told(past, store, 0) == list(range(1, 11))


async def test_a_client_that_leaves_does_not_take_the_page_from_others() -> None:
    async with stage(10) as (log, store):
        past = Past(store)
        leaving, staying = (asyncio.create_task(told(past, store, 0)) for _ in range(2))
        await asyncio.sleep(0)
        leaving.cancel()
        assert await staying == list(range(1, 11))

    assert len(log.reads) == 1


async def test_who_comes_in_the_turn_in_which_a_page_was_read_does_not_wait_for_that_page() -> None:
    """It has ended before that event, and to be handed it again and again would never end."""
    async with stage(10) as (log, store):
        past = Past(store)
        log.before_answer.clear()

        async def come() -> int:
            await log.before_answer.wait()  # goes on before anybody hears that the page was read
            return (await past.after(10)).end

        coming = asyncio.create_task(come())
        first = asyncio.create_task(past.after(0))
        await asyncio.sleep(0)
        await store.dispatch(RevokeTokens("later"), by=OLGA)

        assert (await first).end == 10
        assert await coming == 11
