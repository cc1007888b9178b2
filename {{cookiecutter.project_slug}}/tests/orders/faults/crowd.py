"""Clients that follow the log through any number of faults; each keeps no more than a digest."""

from __future__ import annotations

import asyncio
import hashlib
from collections import Counter
from collections.abc import Callable
from random import Random
from typing import cast

from tests.live.transport.peer import CLOSE, PING, PONG, TEXT, frame, request

LONGEST_PAUSE = 0.5
EVENT, SEQ = b'{"type":"event"', b',"seq":'


class Follower:
    """Hears every event from the log's beginning on, however often it is cut off."""

    def __init__(self, port: Callable[[], int], chance: Random) -> None:
        self._port = port
        self._chance = chance
        self.seq = 0
        """The position of the last event that it has heard."""
        self.digest = hashlib.blake2b(digest_size=16)
        """Of the messages of all events, in the order in which they came."""
        self.epoch = ""
        self.codes: Counter[int] = Counter()
        """How its connections have ended, by the close code; 1006 is without a word."""
        self.problems: list[str] = []
        """What a well-behaved client is never told."""

    async def follow(self) -> None:
        """Connect, and come back, until the task is cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            path = f"/ws?since={self.seq}" + (f"&epoch={self.epoch}" if self.epoch else "")
            wire = Wire(self, path)
            try:
                await loop.create_connection(lambda wire=wire: wire, "127.0.0.1", self._port())  # type: ignore[misc]
                self.codes[await wire.over] += 1
            except OSError:
                pass  # nobody is there yet
            finally:
                wire.abort()
            await asyncio.sleep(self._chance.uniform(0.05, LONGEST_PAUSE))

    def take(self, message: bytes) -> None:
        """One message of the service's."""
        if message.startswith(EVENT):
            begin = message.rindex(SEQ) + len(SEQ)
            seq = int(message[begin:].partition(b",")[0].rstrip(b"}"))
            if seq <= self.seq:
                self.problems.append(f"{seq} came after {self.seq}")
            self.seq = seq
            self.digest.update(message)
        elif message.startswith(b'{"type":"subscribed"') and b'"recovered":true' in message:
            self.epoch = message.partition(b'"epoch":"')[2].partition(b'"')[0].decode()
        else:
            self.problems.append(message.decode())


class Wire(asyncio.Protocol):
    """One connection of a follower's."""

    def __init__(self, follower: Follower, path: str) -> None:
        self._follower = follower
        self._path = path
        self._transport: asyncio.Transport | None = None
        self._buffer = b""
        self._is_open = False
        self._code = 1006
        self.over: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask for the socket."""
        self._transport = cast(asyncio.Transport, transport)
        self._transport.write(request(self._path))

    def data_received(self, data: bytes) -> None:
        """Take whole frames off what has come."""
        data = self._buffer + data
        if not self._is_open:
            head, end, rest = data.partition(b"\r\n\r\n")
            if not end:
                self._buffer = data
                return
            if not head.startswith(b"HTTP/1.1 101 "):  # a node that is about to stop
                self.abort()
                return
            data, self._is_open = rest, True
        at = 0
        while len(data) >= at + 4 or data[at + 1 : at + 2] == b"\0":
            size, begin = data[at + 1], at + 2
            if size == 126:
                size, begin = int.from_bytes(data[at + 2 : at + 4], "big"), at + 4
            if len(data) < begin + size:
                break
            self._take(data[at] & 0xF, data[begin : begin + size])
            at = begin + size
        self._buffer = data[at:]

    def connection_lost(self, problem: Exception | None) -> None:
        """It is over."""
        if not self.over.done():
            self.over.set_result(self._code)

    def abort(self) -> None:
        """Hang up."""
        if self._transport is not None:
            self._transport.abort()

    def _take(self, opcode: int, payload: bytes) -> None:
        assert self._transport is not None
        if opcode == TEXT:
            self._follower.take(payload)
        elif opcode == PING:
            self._transport.write(frame(PONG, payload))
        elif opcode == CLOSE:
            self._code = int.from_bytes(payload[:2], "big")
            self._transport.write(frame(CLOSE, payload))
            self._transport.close()
