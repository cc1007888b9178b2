"""Events that are no longer among the recent ones: read once, for all who come back together."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Sequence
from typing import NamedTuple

from app.access.store import AppStore
from app.live.recent import Heard

PAGE_ENTRIES = 256
PAGES = 16
READS_AT_ONCE = 4  # of different pages: what else is asked of the log has to wait behind them


class Page(NamedTuple):
    """Some events of the log in order, and the position up to which they are all of them."""

    events: Sequence[Heard]
    end: int


class Past:
    """The log in pages: those that were read last are kept, and no page is read twice at once.

    After a restart all clients of a node come back at once, and none finds its events in memory.
    """

    def __init__(self, store: AppStore) -> None:
        self._store = store
        self._pages: OrderedDict[int, Page] = OrderedDict()
        self._reading: dict[int, asyncio.Task[Page]] = {}
        self._reads = asyncio.Semaphore(READS_AT_ONCE)
        self._turn = asyncio.Lock()

    async def turn(self) -> None:
        """Wait for a turn of the event loop in which nobody else is told what it missed.

        Were all that come back told in one turn, whoever sends a command would wait for all.
        """
        async with self._turn:
            await asyncio.sleep(0)

    async def after(self, position: int) -> Page:
        """Events after a position, which the Store is beyond; there may be more of them.

        Raises Rejected when the log cannot be read.
        """
        number = position // PAGE_ENTRIES
        page = self._pages.get(number)
        if page is None or page.end <= position:
            page = await asyncio.shield(self._read(number))  # others wait for it, too
        newer = [heard for heard in page.events if heard.seq is not None and heard.seq > position]
        return Page(newer, max(page.end, position))

    def _read(self, number: int) -> asyncio.Task[Page]:
        reading = self._reading.get(number)
        if reading is None or reading.done():  # what has been read already may lack the newest
            reading = asyncio.create_task(self._page(number), name="reading the past")
            self._reading[number] = reading
            reading.add_done_callback(lambda done: self._done(number, done))
        return reading

    async def _page(self, number: int) -> Page:
        """The page, as far as the Store is: what other nodes have stored since will be told yet."""
        events, end = self._pages.get(number) or Page((), number * PAGE_ENTRIES)
        async with self._reads:
            limit = min((number + 1) * PAGE_ENTRIES, self._store.seq) - end
            more, end = await self._store.read_events(end, limit)
        self._pages[number] = page = Page([*events, *map(Heard, more)], end)
        self._pages.move_to_end(number)
        if len(self._pages) > PAGES:
            self._pages.popitem(last=False)
        return page

    def _done(self, number: int, reading: asyncio.Task[Page]) -> None:
        if self._reading[number] is reading:
            del self._reading[number]
        if not reading.cancelled():
            reading.exception()  # it is for those who have waited, if they still do
