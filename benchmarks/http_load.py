"""A cheap HTTP client: so many connections, each with one request under way at a time."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable, Iterator
from time import perf_counter
from typing import cast

from benchmarks.production import authorization

LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)
SECONDS = 120
AUTHORIZATION = authorization()


def post(path: str, body: bytes) -> bytes:
    """A request as it is sent."""
    head = (
        f"POST {path} HTTP/1.1\r\nhost: 127.0.0.1\r\n{AUTHORIZATION}"
        f"content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


async def sent(port: int, requests: Iterable[bytes], connections: int) -> list[float]:
    """The latency of each request, in seconds; raises unless every answer is a success."""
    loop = asyncio.get_running_loop()
    rest, latencies = iter(requests), list[float]()
    lanes = [
        (await loop.create_connection(lambda: Lane(rest, latencies), "127.0.0.1", port))[1]
        for _ in range(connections)
    ]
    for lane in lanes:
        lane.send_next()
    await asyncio.wait_for(asyncio.gather(*(lane.done for lane in lanes)), SECONDS)
    return latencies


class Lane(asyncio.Protocol):
    """One connection, which takes the next request when it has its answer."""

    def __init__(self, requests: Iterator[bytes], latencies: list[float]) -> None:
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._requests = requests
        self._latencies = latencies
        self._buffer = b""
        self._begun = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the way out."""
        self._transport = cast(asyncio.Transport, transport)  # uvloop has classes of its own

    def send_next(self) -> None:
        """Send the next request, or end."""
        request = next(self._requests, None)
        if request is None:
            self._transport.close()
            self.done.set_result(None)
            return
        self._begun = perf_counter()
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        """Go on when the answer is whole."""
        self._buffer += data
        head, separator, body = self._buffer.partition(b"\r\n\r\n")
        length = LENGTH.search(head) if separator else None
        if length is None or len(body) < int(length[1]):
            return
        if not head.startswith(b"HTTP/1.1 2") and not self.done.done():
            self.done.set_exception(RuntimeError(self._buffer.decode()))
            return
        self._latencies.append(perf_counter() - self._begun)
        self._buffer = b""
        self.send_next()

    def connection_lost(self, problem: Exception | None) -> None:
        """An end that was not asked for is a failure."""
        if not self.done.done():
            self.done.set_exception(problem or ConnectionError("the server has hung up"))
