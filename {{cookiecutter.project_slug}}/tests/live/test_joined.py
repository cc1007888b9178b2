"""An answer over HTTP leaves in as few writes as it can."""

import asyncio

import pytest

from app.live.joined import Joined

pytestmark = pytest.mark.anyio


class Written(asyncio.Transport):
    """What is written to it, write by write."""

    def __init__(self) -> None:
        super().__init__()
        self.writes: list[bytes] = []
        self.is_closed = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Once more."""
        assert not self.is_closed
        self.writes.append(bytes(data))

    def close(self) -> None:
        """No more after this."""
        self.is_closed = True

    def is_closing(self) -> bool:
        """Whether it is closed."""
        return self.is_closed


@pytest.fixture
def written() -> Written:
    return Written()


async def turns() -> None:
    """Let the loop do what is due."""
    for _ in range(3):
        await asyncio.sleep(0)


async def test_head_and_body_are_one_write(written: Written) -> None:
    answer = Joined(written)
    answer.write(b"head ")
    answer.write(b"body")
    assert written.writes == [b"head body"]

    await turns()
    answer.write(b" and more")
    answer.write(b" of it")
    assert written.writes == [b"head body", b" and more", b" of it"]


async def test_a_head_whose_body_takes_its_time_does_not_wait(written: Written) -> None:
    answer = Joined(written)
    answer.write(b"head ")
    await turns()
    assert written.writes == [b"head "]

    answer.write(b"body")
    assert written.writes == [b"head ", b"body"]


async def test_an_empty_body_does_not_let_the_head_wait(written: Written) -> None:
    answer = Joined(written)
    answer.write(b"head")
    answer.write(b"")
    assert written.writes == [b"head"]


async def test_a_head_is_sent_before_it_closes(written: Written) -> None:
    answer = Joined(written)
    answer.write(b"head")
    answer.close()
    await turns()
    assert written.writes == [b"head"]
    assert answer.is_closing()


async def test_a_client_that_has_gone_is_sent_nothing(written: Written) -> None:
    answer = Joined(written)
    answer.write(b"head")
    written.close()
    await turns()
    assert written.writes == []
