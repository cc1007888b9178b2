"""A follower of the fault run notices whatever a client must not be told."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from random import Random

import pytest

from app.live.message import Message
from app.wire import codec
from tests.orders.faults.crowd import Follower
from tests.orders.faults.stream import Stream

GREETING = b"HTTP/1.1 101 Switching Protocols\r\n\r\n"
SUBSCRIBED = Message(b'{"type":"subscribed","recovered":true,"epoch":"e1"}').frame
PING = b"\x89\0"
SEQS = (1, 2, 4)  # a position without an event is no hole


def event(seq: int, words: str = "x" * 200) -> bytes:
    return Message(codec.event_message(json.dumps({"Said": words}), seq, f"c-{seq}")).frame


@contextmanager
def connected(stream: Stream) -> Iterator[tuple[Follower, socket.socket]]:
    """A follower whose service has greeted it, and that service's end of the line."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        follower = Follower(lambda: port, Random(1), stream)  # noqa: S311 - when it comes back
        follower.look(0)
        line, _ = listening.accept()
        line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # each chunk by itself, at once
        with line:
            follower.look(0)
            assert b"GET /ws?since=0 " in line.recv(1000)
            tell(follower, line, GREETING + SUBSCRIBED)
            try:
                yield follower, line
            finally:
                follower.end(1000)


def tell(follower: Follower, line: socket.socket, *chunks: bytes) -> None:
    for chunk in chunks:
        line.sendall(chunk)
        follower.look(0)


def heard(stream: Stream) -> Stream:
    """The stream, when somebody has heard all of it."""
    with connected(stream) as (follower, line):
        tell(follower, line, b"".join(map(event, SEQS)))
    return stream


@pytest.mark.parametrize("size", [1, 7, 300, 10_000])
@pytest.mark.parametrize("is_first", [True, False])
def test_the_right_events_are_heard_however_they_are_cut(size: int, is_first: bool) -> None:
    stream = Stream() if is_first else heard(Stream())
    told = event(1) + PING + event(2) + event(4)
    with connected(stream) as (follower, line):
        tell(follower, line, *[told[at : at + size] for at in range(0, len(told), size)])
        assert (follower.problems, follower.seq, follower.at) == ([], 4, len(stream))
        assert line.recv(100)[:1] == b"\x8a"  # the ping was answered
    assert stream.frames == b"".join(map(event, SEQS))


@pytest.mark.parametrize(
    "told",
    [
        [event(1), event(1)],
        [event(2), event(1)],
        [event(1), event(4)],
        [event(1), event(2, "y" * 200)],
        [event(1), event(2), event(4), event(4)],
        [event(1), Message(b'{"type":"error"}').frame],
    ],
    ids=["doubled", "in another order", "with a hole", "changed", "doubled at last", "refused"],
)
@pytest.mark.parametrize("is_one_chunk", [True, False])
def test_anything_else_is_a_problem(told: Sequence[bytes], is_one_chunk: bool) -> None:
    with connected(heard(Stream())) as (follower, line):
        tell(follower, line, *([b"".join(told)] if is_one_chunk else told))
        assert len(follower.problems) == 1


def test_whoever_is_cut_off_within_an_event_asks_for_it_again() -> None:
    with connected(heard(Stream())) as (follower, line):
        tell(follower, line, event(1) + event(2)[:50])
        follower.end(1006)
        assert (follower.seq, follower.at) == (1, len(event(1)))
