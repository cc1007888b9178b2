"""However the network cuts the frames, the same messages come out, and readers are clean after."""

import random

from hypothesis import given
from hypothesis import strategies as st

from app.live.reader import IDLE_READERS, Closing, Failed, Ping, Reader, Readers, Received
from tests.live.transport.peer import BINARY, CONTINUATION, PING, PONG, TEXT, frame, goodbye, text

LONGEST = 1 << 16


@st.composite
def message(draw: st.DrawFn) -> tuple[bytes, list[Received]]:
    """The frames of one message, with pings and pongs between them, and what comes of it."""
    content = draw(st.text(max_size=300) | st.binary(max_size=300))
    data = content.encode() if isinstance(content, str) else content
    cuts = sorted(draw(st.lists(st.integers(0, len(data)), max_size=4)))
    parts = [data[begin:end] for begin, end in zip([0, *cuts], [*cuts, len(data)], strict=True)]
    opcode = TEXT if isinstance(content, str) else BINARY
    frames, received = b"", list[Received]()
    for number, part in enumerate(parts):
        for payload in draw(st.lists(st.binary(max_size=125), max_size=1)):
            frames += frame(PING, payload) + frame(PONG, payload)
            received.append(Ping(payload))
        is_last = number == len(parts) - 1
        frames += frame(opcode if number == 0 else CONTINUATION, part, fin=is_last)
    return frames, [*received, content]


def fed(reader: Reader, data: bytes, seed: int) -> list[Received]:
    """What comes out of bytes that come in pieces of all sizes."""
    chance = random.Random(seed)  # noqa: S311 - cuts, not secrets
    received: list[Received] = []
    while data:
        size = chance.choice([1, 2, 3, 7, 50, 500])
        received += reader.feed(data[:size])
        data = data[size:]
    return received


@given(st.lists(message(), max_size=5), st.integers())
def test_however_it_is_cut_the_same_comes_out_and_nothing_is_left(
    messages: list[tuple[bytes, list[Received]]], seed: int
) -> None:
    reader = Reader(LONGEST)

    received = fed(reader, b"".join(frames for frames, _ in messages), seed)

    assert received == [item for _, items in messages for item in items]
    assert reader.is_idle


@given(message(), st.integers(min_value=1))
def test_a_reader_is_not_idle_while_anything_is_missing(
    one: tuple[bytes, list[Received]], missing: int
) -> None:
    frames, _ = one
    missing = min(missing, len(text("")) - 1, len(frames) - 1)
    reader = Reader(LONGEST)

    reader.feed(frames[:-missing])

    assert not reader.is_idle


def test_nor_between_the_fragments_of_a_message() -> None:
    reader = Reader(LONGEST)

    reader.feed(text("hel", fin=False))

    assert not reader.is_idle


@given(st.binary(max_size=2000), st.integers())
def test_no_bytes_at_all_break_a_reader(data: bytes, seed: int) -> None:
    received = fed(Reader(LONGEST), data, seed)

    assert not any(isinstance(item, (Closing, Failed)) for item in received[:-1])


def test_a_reader_that_has_read_the_end_is_not_given_to_another() -> None:
    readers = Readers(LONGEST)
    reader = readers.borrow()

    reader.feed(goodbye())

    assert not reader.is_idle


def test_only_a_few_readers_are_kept() -> None:
    readers = Readers(LONGEST)

    for reader in [readers.borrow() for _ in range(100)]:
        readers.give_back(reader)

    assert len({id(readers.borrow()) for _ in range(IDLE_READERS)}) == IDLE_READERS
    assert not readers._idle


def test_a_length_that_is_told_at_length_keeps_the_reader_with_its_connection() -> None:
    reader = Reader(LONGEST)

    received = reader.feed(bytes((0x81, 0xFE, 0, 5)) + text("hello")[2:])

    assert received == ["hello"]
    assert not reader.is_idle
