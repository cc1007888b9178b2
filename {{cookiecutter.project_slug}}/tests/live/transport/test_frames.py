"""What each sequence of frames is answered with (RFC 6455, 5 and 7), however it is served."""

import pytest

from tests.live.transport import peer
from tests.live.transport.peer import (
    BINARY,
    CLOSE,
    CONTINUATION,
    PING,
    PONG,
    TEXT,
    Frame,
    frame,
    goodbye,
    more,
    text,
    upgraded,
)
from tests.live.transport.served import MAX_BYTES, Served

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

BIG = "x" * MAX_BYTES
TOO_BIG = "x" * (MAX_BYTES + 1)
HALF_A_EURO = "€".encode()[:2]

BROKEN, NOT_TEXT, TOO_MUCH = 1002, 1007, 1009


def said(*words: str) -> list[tuple[int, object]]:
    return [(TEXT, word) for word in words]


def pong(*payloads: bytes) -> list[tuple[int, object]]:
    return [(PONG, payload) for payload in payloads]


def closed(code: int | None) -> list[tuple[int, object]]:
    return [(CLOSE, code)]


# What is sent, each element in a segment of its own, and what has to come back.
CASES: dict[str, tuple[list[bytes], list[tuple[int, object]]]] = {
    "a text": ([text("hello")], said("hello")),
    "an empty text": ([text("")], said("")),
    "bytes": ([frame(BINARY, b"\xff\xfe")], said("2 bytes")),
    "125 bytes": ([text("x" * 125)], said("x" * 125)),
    "126 bytes": ([text("x" * 126)], said("x" * 126)),
    "65,535 bytes": ([text("x" * 65535)], said("x" * 65535)),
    "the longest message": ([text(BIG)], said(BIG)),
    "a message that is too big": ([text(TOO_BIG)], closed(TOO_MUCH)),
    "fragments that are too big together": (
        [text(BIG, fin=False), more("x")],
        closed(TOO_MUCH),
    ),
    "a length of 2^62": ([bytes((0x81, 0xFF)) + (1 << 62).to_bytes(8, "big")], closed(TOO_MUCH)),
    "two fragments": ([text("hel", fin=False), more("lo")], said("hello")),
    "empty fragments": (
        [text("", fin=False), more("", fin=False), more("hello")],
        said("hello"),
    ),
    "fragments in one segment": (
        [text("hel", fin=False) + more("l", fin=False) + more("o")],
        said("hello"),
    ),
    "fragments of bytes": (
        [frame(BINARY, b"\xff", fin=False), frame(CONTINUATION, b"\xff")],
        said("2 bytes"),
    ),
    "a character in two fragments": (
        [
            frame(TEXT, HALF_A_EURO, fin=False),
            frame(CONTINUATION, "€".encode()[2:]),
        ],
        said("€"),
    ),
    "a ping": ([frame(PING, b"are you there")], pong(b"are you there")),
    "an empty ping": ([frame(PING)], pong(b"")),
    "a ping of 125 bytes": ([frame(PING, b"x" * 125)], pong(b"x" * 125)),
    "a ping within fragments": (
        [text("hel", fin=False), frame(PING, b"?"), more("lo")],
        pong(b"?") + said("hello"),
    ),
    "a pong that nobody asked for": ([frame(PONG, b"!"), text("a")], said("a")),
    "many in one segment": (
        [b"".join(text(str(n)) for n in range(500))],
        said(*map(str, range(500))),
    ),
    "pings among texts keep their place": (
        [text("a") + frame(PING, b"1") + text("b") + frame(PING, b"2")],
        said("a") + pong(b"1") + said("b") + pong(b"2"),
    ),
    "a byte at a time": (
        [bytes((byte,)) for byte in text("hello") + frame(PING, b"?")],
        said("hello") + pong(b"?"),
    ),
    "cut in the length": ([text("x" * 200)[:3], text("x" * 200)[3:]], said("x" * 200)),
    "cut in the mask": ([text("hello")[:4], text("hello")[4:]], said("hello")),
    "a length told with more bytes than it needs": (
        [bytes((0x81, 0xFE, 0, 5)) + text("hello")[2:], text("a")],
        said("hello", "a"),
    ),
    "a ping of 126 bytes": ([frame(PING, b"x" * 126)], closed(BROKEN)),
    "a fragmented ping": ([frame(PING, b"x", fin=False)], closed(BROKEN)),
    "a reserved bit": ([frame(TEXT, b"x", reserved=4)], closed(BROKEN)),
    "another reserved bit": ([frame(TEXT, b"x", reserved=2)], closed(BROKEN)),
    "the last reserved bit": ([frame(TEXT, b"x", reserved=1)], closed(BROKEN)),
    "a reserved opcode": ([frame(0x3, b"x")], closed(BROKEN)),
    "a reserved control opcode": ([frame(0xB, b"x")], closed(BROKEN)),
    "a frame that is not masked": ([frame(TEXT, b"x", masked=False)], closed(BROKEN)),
    "a continuation of nothing": ([more("x")], closed(BROKEN)),
    "a text within fragments": ([text("a", fin=False), text("b")], closed(BROKEN)),
    "what comes before an error counts": (
        [text("a") + frame(0x3, b"x")],
        said("a") + closed(BROKEN),
    ),
    "text that is not UTF-8": ([frame(TEXT, b"\xff")], closed(NOT_TEXT)),
    "half a character": ([frame(TEXT, HALF_A_EURO)], closed(NOT_TEXT)),
    "a surrogate": ([frame(TEXT, b"\xed\xa0\x80")], closed(NOT_TEXT)),
    "fragments that are not UTF-8 together": (
        [frame(TEXT, HALF_A_EURO, fin=False), more("x")],
        closed(NOT_TEXT),
    ),
    "a close without a code": ([goodbye(None)], closed(None)),
    "a close with a reason": ([goodbye(1001, b"going away")], closed(1001)),
    "a close of one byte": ([frame(CLOSE, b"\x03")], closed(BROKEN)),
    "a close of 126 bytes": ([goodbye(1000, b"x" * 124)], closed(BROKEN)),
    "a reason that is not UTF-8": ([goodbye(1000, b"\xff")], closed(NOT_TEXT)),
    "a close within fragments": ([text("a", fin=False), goodbye(1001)], closed(1001)),
    "nothing counts after a close": ([goodbye() + text("a") + frame(PING)], closed(1000)),
    "a receiver that raises": ([text("raise"), text("a")], closed(1011)),
    "a close by the receiver": ([text("close"), text("a")], closed(4009)),
} | {
    f"close code {code}": ([goodbye(code)], closed(code if is_valid else BROKEN))
    for codes, is_valid in (
        ((1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4999), True),
        ((0, 999, 1004, 1005, 1006, 1015, 1016, 2000, 2999, 5000, 65535), False),
    )
    for code in codes
}  # fmt: skip

# A server of somebody else's hands messages on by a queue, and answers frames before that: what it
# says to a client that says several things at once may come in another order.
IN_ORDER = {"pings among texts keep their place", "what comes before an error counts"}
OTHERWISE: dict[tuple[str, str], list[tuple[int, object]]] = {
    ("uvicorn", "a close within fragments"): closed(BROKEN),
}


@pytest.mark.parametrize("case", CASES)
async def test_frames_are_answered_as_the_rules_say(application: Served, case: str) -> None:
    if application.way != "direct" and case in IN_ORDER:
        pytest.skip("only our own protocol keeps this order")
    segments, expected = CASES[case]
    expected = OTHERWISE.get((application.way, case), expected)
    is_ended = expected[-1][0] == CLOSE

    async with upgraded(application.port) as client:
        await client.send(*segments)
        answers = [] if is_ended else [await client.read() for _ in expected]
        if not is_ended:
            await client.send(goodbye(1000))
            expected = expected + closed(1000)
        answers += await client.read_all()

    assert [(answer.opcode, meaning(answer)) for answer in answers] == expected


def meaning(answer: Frame) -> object:
    """What a frame says, as the table above has it."""
    match answer.opcode:
        case peer.TEXT:
            return answer.payload.decode()
        case peer.CLOSE:
            return answer.code
    return answer.payload


async def test_frames_that_come_with_the_request_are_not_lost(application: Served) -> None:
    async with upgraded(application.port, then=text("first") + text("second")) as client:
        await client.send(text("third"))
        answers = [await client.read() for _ in range(3)]
        await client.send(goodbye())

    assert [answer.payload for answer in answers] == [b"first", b"second", b"third"]


async def test_what_comes_before_a_close_in_one_segment_is_answered(own: Served) -> None:
    async with upgraded(own.port) as client:
        await client.send(text("first") + text("second") + goodbye())
        answers = await client.read_all()

    assert [answer.payload for answer in answers[:-1]] == [b"first", b"second"]


async def test_the_fragments_of_several_clients_do_not_mix(own: Served) -> None:
    async with upgraded(own.port) as one, upgraded(own.port) as other:
        for letter in "hello":
            await one.send(text("1", fin=False) if letter == "h" else more(letter, fin=False))
            await other.send(text("2", fin=False) if letter == "h" else more(letter, fin=False))
            await one.send(frame(PING))
            await one.read()
        await one.send(more(""))
        await other.send(more("!"))
        answers = [await one.read(), await other.read()]

    assert [answer.payload for answer in answers] == [b"1ello", b"2ello!"]
