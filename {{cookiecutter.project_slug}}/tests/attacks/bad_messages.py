"""What a client should not say once it is connected, and what it hears, to the end.

A word is the code of an `error`, or the type of another message; a number is the close code.
"""

from tests.live.transport.peer import (
    BINARY,
    CLOSE,
    PING,
    TEXT,
    frame,
    more,
    text,
)

REVOKE = '{"RevokeTokens": {"user_id": "mallory"}}'
AFTER = text('{"type": "ping"}')  # what is said after a mistake counts

Said = list[str | int]


def say(message: str) -> list[bytes]:
    """A message that costs no more than an error."""
    return [text(message), AFTER]


def command(action: str, more: str = "") -> list[bytes]:
    return say('{"type": "command", "action": ' + action + more + "}")


INVALID: Said = ["invalid", "pong", 1000]
TWENTY: Said = ["invalid"] * 20

MESSAGES: dict[str, tuple[list[bytes], Said]] = {
    "no text": ([text(""), AFTER], INVALID),
    "no JSON": (say("hello"), INVALID),
    "half a JSON": (say('{"type": "ping"'), INVALID),
    "JSON and more": (say('{"type": "ping"}{'), INVALID),
    "an array": (say("[]"), INVALID),
    "null": (say("null"), INVALID),
    "a number of many digits": (say("1" * 6000), INVALID),
    "JSON that is nested too deep": (say("[" * 20_000), INVALID),
    "half a surrogate pair": (say('{"type": "\\ud800"}'), INVALID),
    "a byte order mark": (say("\ufeff{}"), INVALID),
    "bytes": ([frame(BINARY, b'{"type": "ping"}'), AFTER], INVALID),
    "no type": (say("{}"), INVALID),
    "a type that there is not": (say('{"type": "evil"}'), INVALID),
    "a type that is none": (say('{"type": {"type": "ping"}}'), INVALID),
    "a message of the service's": (say('{"type": "ack", "id": "1", "seq": 1}'), INVALID),
    "an event": (say('{"type": "event", "action": "Reset"}'), INVALID),
    "a ping with more": (say('{"type": "ping", "id": "1"}'), INVALID),
    "a command without an action": (say('{"type": "command"}'), INVALID),
    "an action that there is not": (command('{"DropTables": {}}'), INVALID),
    "an event as a command": (command('{"TokensRevoked": {"user_id": "a"}}'), INVALID),
    "two actions": (command('{"RevokeTokens": {"user_id": "a"}, "Other": {}}'), INVALID),
    "a field too many": (command('{"RevokeTokens": {"user_id": "a", "x": 1}}'), INVALID),
    "a field too few": (command('{"RevokeTokens": {}}'), INVALID),
    "a field of another kind": (command('{"RevokeTokens": {"user_id": 7}}'), INVALID),
    "an empty id": (command(REVOKE, ', "id": ""'), INVALID),
    "an id that is too long": (command(REVOKE, f', "id": "{"x" * 65}"'), INVALID),
    "an id that is a number": (command(REVOKE, ', "id": 7'), INVALID),
    "somebody else's name": (command(REVOKE, ', "by": "root"'), INVALID),
    "a topic that there is not": (say('{"type": "subscribe", "topics": ["evil"]}'), INVALID),
    "an empty topic": (say('{"type": "subscribe", "topics": [""]}'), INVALID),
    "too many topics": (
        say('{"type": "subscribe", "topics": [' + ",".join(['"revocation"'] * 101) + "]}"),
        INVALID,
    ),
    "from before the first event": (say('{"type": "subscribe", "since": -1}'), INVALID),
    "from a half": (say('{"type": "subscribe", "since": 0.5}'), INVALID),
    "from far beyond the last event": (
        say('{"type": "subscribe", "since": ' + "9" * 40 + "}"),
        ["subscribed", "pong", 1000],
    ),
    "from another epoch": (
        say('{"type": "subscribe", "since": 0, "epoch": "x"}'),
        ["subscribed", "pong", 1000],
    ),
    "no token": (say('{"type": "auth"}'), INVALID),
    "an empty token": (say('{"type": "auth", "token": ""}'), INVALID),
    "a token that is too long": (say('{"type": "auth", "token": "' + "x" * 8193 + '"}'), INVALID),
    "a token that is none": (say('{"type": "auth", "token": "rubbish"}'), [4501]),
    "a token of brackets": (
        say('{"type": "auth", "token": "' + "W1tb" * 1500 + '.e30.A"}'),
        [4501],
    ),
    "twenty invalid messages": ([text("x")] * 20 + [AFTER], [*TWENTY, 1008]),
    "nineteen, and then a ping": (
        [text("x")] * 19 + [AFTER, text("x"), AFTER],
        [*TWENTY[1:], "pong", *INVALID],
    ),
    "twenty, and pongs between": (
        [text("x"), text('{"type": "pong"}')] * 20,
        [*TWENTY, 1008],
    ),
}

FRAMES: dict[str, tuple[list[bytes], Said]] = {
    "not masked": ([frame(TEXT, b"{}", masked=False)], [1002]),
    "a reserved bit": ([frame(TEXT, b"{}", reserved=4)], [1002]),
    "a reserved opcode": ([frame(0x3, b"{}")], [1002]),
    "a continuation of nothing": ([more("{}")], [1002]),
    "a text within another": ([text("{", fin=False), text("}")], [1002]),
    "a long ping": ([frame(PING, b"x" * 126)], [1002]),
    "a fragmented ping": ([frame(PING, b"x", fin=False)], [1002]),
    "text that is not UTF-8": ([frame(TEXT, b"\xff")], [1007]),
    "a message that is too big": ([text("x" * 65_537)], [1009]),
    "fragments that are too big": ([text("x" * 40_000, fin=False), more("x" * 40_000)], [1009]),
    "a length without an end": ([b"\x81\xff\x7f" + b"\xff" * 7], [1009]),
    "a length of a negative number": ([b"\x81\xff\xff" + b"\xff" * 7], [1009]),
    "a close of one byte": ([frame(CLOSE, b"\x03")], [1002]),
    "a close with a code that is none": ([frame(CLOSE, b"\x00\x01")], [1002]),
    "a close with a code that nobody may send": ([frame(CLOSE, b"\x03\xee")], [1002]),
    "a close whose reason is not UTF-8": ([frame(CLOSE, b"\x03\xe8\xff")], [1007]),
    "a request": ([b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"], [1002]),
}

BAD_MESSAGES = {f"message: {name}": case for name, case in MESSAGES.items()} | {
    f"frame: {name}": case for name, case in FRAMES.items()
}
