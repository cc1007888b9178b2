"""What waits for a client that does not take what it is sent."""

import asyncio
from collections import deque


class Backlog:
    """Whole frames, in order; many clients may hold the same ones."""

    def __init__(self) -> None:
        self._frames: deque[bytes] = deque()
        self.size = 0

    def __bool__(self) -> bool:
        return bool(self._frames)

    def add(self, frame: bytes) -> None:
        """One more."""
        self._frames.append(frame)
        self.size += len(frame)

    def move_to(self, transport: asyncio.Transport) -> None:
        """Hand the first one over."""
        frame = self._frames.popleft()
        self.size -= len(frame)
        transport.write(frame)

    def clear(self) -> None:
        """Drop them all."""
        self._frames.clear()
        self.size = 0
