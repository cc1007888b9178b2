"""What other nodes announce, kept for whoever listens, as far as there is room."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator

from app.runtime.event_log.port import ANNOUNCED_BYTES, TooLarge

UNREAD_ANNOUNCEMENTS = 10_000


class Announcements:
    """Announcements on their way to those who listen in this process."""

    def __init__(self) -> None:
        self._listeners: list[tuple[deque[str], asyncio.Event]] = []

    def hear(self, text: str) -> None:
        """Give an announcement to everybody who listens; who reads too slowly loses the oldest."""
        for unread, arrived in self._listeners:
            unread.append(text)
            arrived.set()

    def from_now_on(self) -> AsyncIterator[str]:
        """What is announced, for one more listener."""
        listener = deque[str](maxlen=UNREAD_ANNOUNCEMENTS), asyncio.Event()
        self._listeners.append(listener)
        return self._each(listener)

    async def _each(self, listener: tuple[deque[str], asyncio.Event]) -> AsyncIterator[str]:
        unread, arrived = listener
        try:
            while True:
                await arrived.wait()
                arrived.clear()
                while unread:
                    yield unread.popleft()
        finally:
            self._listeners.remove(listener)


def require_announceable(text: str) -> bytes:
    """The text in UTF-8; raises TooLarge."""
    data = text.encode()
    if len(data) > ANNOUNCED_BYTES:
        raise TooLarge(f"an announcement has {ANNOUNCED_BYTES} bytes at most, not {len(data)}")
    return data
