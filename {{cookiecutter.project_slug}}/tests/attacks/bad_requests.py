"""Requests that are wrong, and what each is answered: a status, and the code of the error's body.

The code is None where no application is asked, or the answer is no refusal.
"""

from base64 import urlsafe_b64encode
from typing import NamedTuple

import orjson

from tests.access.keys import OTHER, signed

REVOKE = b'{"RevokeTokens": {"user_id": "mallory"}}'
KEY = b"dGhlIHNhbXBsZSBub25jZQ=="
HOST = b"Host: 127.0.0.1"
LONG = b"x" * 65_537  # a byte more than a body may have, and a head
DEEP = 20_000
MANY_FIELDS = b"{" + b",".join(b'"%d":0' % number for number in range(7_000)) + b"}"
NESTED = urlsafe_b64encode(b"[" * 5000).rstrip(b"=") + b".e30.AAAA"

OPERATOR = b"Authorization: Bearer " + signed(sub="olga", role="operator").encode()


class Answer(NamedTuple):
    """What a request is answered."""

    status: int
    code: str | None = None


def request(method: bytes, target: bytes, *headers: bytes, body: bytes = b"") -> bytes:
    lines = [method + b" " + target + b" HTTP/1.1", *headers, b"", body]
    return b"\r\n".join(lines)


def unfinished(head: bytes) -> bytes:
    """A head, without its end, of just so many bytes as are too many.

    All of it has been read when it is refused, so no reset overtakes the answer.
    """
    return (head + LONG)[: len(LONG)]


def get(target: bytes, *headers: bytes) -> bytes:
    return request(b"GET", target, HOST, *headers)


def asked(target: bytes, *headers: bytes) -> bytes:
    return get(target, OPERATOR, *headers)


def post(body: bytes, *headers: bytes, type: bytes = b"application/json") -> bytes:
    """A command by somebody who may send it, with the length of its body."""
    return framed(body, b"Content-Length: %d" % len(body), *headers, type=type)


def framed(body: bytes, *headers: bytes, type: bytes = b"application/json") -> bytes:
    """The same, whose length is told by other headers, or not at all."""
    own = HOST, OPERATOR, b"Content-Type: " + type
    return request(b"POST", b"/api/v1/commands", *own, *headers, body=body)


def bearer(token: bytes | str) -> bytes:
    """A command by whom this token names."""
    token = token.encode() if isinstance(token, str) else token
    return post(REVOKE).replace(OPERATOR, b"Authorization: Bearer " + token)


def upgrade(*headers: bytes, target: bytes = b"/ws", method: bytes = b"GET") -> bytes:
    return request(
        method, target, HOST, b"Upgrade: websocket", b"Connection: Upgrade",
        b"Sec-WebSocket-Version: 13", b"Sec-WebSocket-Key: " + KEY, *headers,
    )  # fmt: skip


CHUNKED = b"Transfer-Encoding: chunked"
BROKEN = Answer(400)
INVALID = Answer(422, "invalid")
STRANGER = Answer(401, "unauthenticated")
FOREIGN = Answer(403, "forbidden")

LINES: dict[str, tuple[bytes, Answer]] = {
    "no HTTP": (b"\x00\xff\r\n\r\n", BROKEN),
    "TLS": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(100), BROKEN),
    "HTTP/2": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", BROKEN),
    "HTTP/9.9": (get(b"/health").replace(b"HTTP/1.1", b"HTTP/9.9"), BROKEN),
    "an unknown method": (get(b"/health").replace(b"GET", b"GRAB"), BROKEN),
    "a method in small letters": (get(b"/health").replace(b"GET", b"get"), BROKEN),
    "a method that no route has": (request(b"TRACE", b"/health", HOST), Answer(405, "invalid")),
    "a target for a proxy to connect to": (request(b"CONNECT", b"evil:80", HOST), BROKEN),
    "a target that is all of it": (get(b"http://evil/nowhere"), Answer(404, "not_found")),
    "a target of raw bytes": (get(b"/\xff"), BROKEN),
    "a query of raw bytes": (get(b"/health?\xff"), BROKEN),
    "a space in the target": (get(b"/health /"), BROKEN),
    "a path out of the folder": (get(b"/../../etc/passwd"), Answer(404, "not_found")),
    "the same, in disguise": (get(b"/%2e%2e/%2e%2e/etc/passwd"), Answer(404, "not_found")),
    "a newline behind the path": (get(b"/metrics%0a"), Answer(404, "not_found")),
    "a target that is too long": (unfinished(b"GET /"), Answer(431)),
    "a plain GET of the socket": (get(b"/ws"), Answer(426, "invalid")),
    "a POST to the socket": (request(b"POST", b"/ws", HOST), Answer(405, "invalid")),
}

HEADERS: dict[str, tuple[bytes, Answer]] = {
    "no Host": (get(b"/health").replace(HOST + b"\r\n", b""), BROKEN),
    "two Hosts": (get(b"/health", b"Host: evil"), BROKEN),
    "a folded header": (get(b"/health", b"X-A: a\r\n b"), BROKEN),
    "a space in a name": (get(b"/health", b"X A: a"), BROKEN),
    "a space before the colon": (get(b"/health", b"X-A : a"), BROKEN),
    "no colon": (get(b"/health", b"X-A"), BROKEN),
    "a zero byte": (get(b"/health", b"X-A: a\0b"), BROKEN),
    "a carriage return alone": (get(b"/health", b"X-A: a\rb"), BROKEN),
    "line feeds alone": (get(b"/health").replace(b"\r\n", b"\n"), BROKEN),
    "a header that is too long": (unfinished(b"GET / HTTP/1.1\r\nX-A: "), Answer(431)),
    "too many headers": (
        unfinished(b"GET / HTTP/1.1\r\n" + b"X-A: a\r\n" * 8_000), Answer(431),
    ),
}  # fmt: skip

BODIES: dict[str, tuple[bytes, Answer]] = {
    "two lengths": (framed(REVOKE, b"Content-Length: 40", b"Content-Length: 2"), BROKEN),
    "a negative length": (framed(REVOKE, b"Content-Length: -1"), BROKEN),
    "a length with a sign": (framed(REVOKE, b"Content-Length: +40"), BROKEN),
    "a length of words": (framed(REVOKE, b"Content-Length: many"), BROKEN),
    "a length that no number holds": (framed(REVOKE, b"Content-Length: " + b"9" * 30), BROKEN),
    "a length and chunks": (post(b"0\r\n\r\n", CHUNKED), BROKEN),
    "chunks that are not": (framed(REVOKE, CHUNKED), BROKEN),
    "a chunk longer than it says": (framed(b"5\r\n[1,2,3]\r\n0\r\n\r\n", CHUNKED), BROKEN),
    "a chunk of a negative length": (framed(b"-1\r\n[]\r\n0\r\n\r\n", CHUNKED), BROKEN),
    "a chunk of an endless length": (framed(b"f" * 18 + b"\r\n[]", CHUNKED), BROKEN),
    "another coding": (framed(REVOKE, b"Transfer-Encoding: gzip"), BROKEN),
    "a coding much like the right one": (framed(REVOKE, b"Transfer-Encoding: xchunked"), BROKEN),
    "trailers without an end": (
        unfinished(framed(b"0\r\n", CHUNKED) + b"X-A: a\r\n" * 8_000), Answer(431),
    ),
    "a body that is too big": (post(LONG), Answer(413, "too_large")),
    "one that says it will be": (
        framed(b"", b"Content-Length: 999999999"), Answer(413, "too_large"),
    ),
    "one that does not say so": (
        framed(b"%x\r\n%b\r\n0\r\n\r\n" % (len(LONG), LONG), CHUNKED), Answer(413, "too_large"),
    ),
    "one of a stream of events": (
        asked(b"/api/v1/events", b"Content-Length: 70000"), Answer(413, "too_large"),
    ),
    "one of a stream that does not say so": (
        asked(b"/api/v1/events", CHUNKED) + b"%x\r\n%b\r\n0\r\n\r\n" % (len(LONG), LONG),
        Answer(413, "too_large"),
    ),
    "one that nobody would have read": (
        get(b"/health", b"Content-Length: 70000"), Answer(413, "too_large"),
    ),
    "no body": (post(b""), INVALID),
    "half a JSON": (post(b'{"RevokeTokens": '), INVALID),
    "JSON and more": (post(REVOKE + b"}"), INVALID),
    "JSON that is nested too deep": (post(b"[" * DEEP), INVALID),
    "objects that are nested too deep": (post(b'{"a":' * (DEEP // 2)), INVALID),
    "a number of many digits": (post(b"1" * 6000), INVALID),
    "no number": (post(b'{"RevokeTokens": {"user_id": NaN}}'), INVALID),
    "text that is not UTF-8": (post(b'"\xff"'), INVALID),
    "half a surrogate pair": (post(b'{"\\ud800": {}}'), INVALID),
    "half a surrogate pair within": (post(b'{"RevokeTokens": {"user_id": "\\ud800"}}'), INVALID),
    "an array": (post(b"[]"), INVALID),
    "two commands": (post(b'{"RevokeTokens": {"user_id": "a"}, "Other": {}}'), INVALID),
    "a command that there is not": (post(b'{"DropTables": {}}'), INVALID),
    "an event": (post(b'{"TokensRevoked": {"user_id": "a", "revoked_at": ""}}'), INVALID),
    "a field too many": (post(b'{"RevokeTokens": {"user_id": "a", "role": "x"}}'), INVALID),
    "thousands of fields too many": (post(b'{"RevokeTokens": %b}' % MANY_FIELDS), INVALID),
    "the same of a stranger": (
        post(b'{"RevokeTokens": %b}' % MANY_FIELDS).replace(OPERATOR, b"X-A: a"), INVALID,
    ),
    "a field too few": (post(b'{"RevokeTokens": {}}'), INVALID),
    "a field of another kind": (post(b'{"RevokeTokens": {"user_id": 7}}'), INVALID),
    "a form": (post(b"user_id=a", type=b"application/x-www-form-urlencoded"), INVALID),
    "a form of parts": (post(b"--x\r\n", type=b"multipart/form-data; boundary=x"), INVALID),
}  # fmt: skip

PARAMETERS: dict[str, tuple[bytes, Answer]] = {
    "an id that is too long": (post(REVOKE, b"Idempotency-Key: " + b"x" * 65), INVALID),
    "an empty id": (post(REVOKE, b"Idempotency-Key:"), INVALID),
    "a page of nothing": (asked(b"/api/v1/revocations?limit=0"), INVALID),
    "a page without an end": (asked(b"/api/v1/revocations?limit=99999999999999999999"), INVALID),
    "a snapshot of no topic": (asked(b"/api/v1/snapshot?topics=%00"), INVALID),
    "a stream of no topic": (asked(b"/api/v1/events?topics=evil"), INVALID),
    "a stream from before the first": (asked(b"/api/v1/events?since=-1"), INVALID),
    "a stream from nowhere": (asked(b"/api/v1/events?since=x"), INVALID),
    "a last event that is none": (asked(b"/api/v1/events", b"Last-Event-ID: x"), INVALID),
    "a last event of many digits": (
        asked(b"/api/v1/events", b"Last-Event-ID: x:" + b"9" * 5000), INVALID,
    ),
    "a dead letter that there is not": (
        request(b"POST", b"/api/v1/dead-letters/%2e%2e/retry", HOST, OPERATOR),
        Answer(404, "not_found"),
    ),
}  # fmt: skip

TOKENS: dict[str, tuple[bytes, Answer]] = {
    "no token": (post(REVOKE).replace(OPERATOR, b"X-A: a"), STRANGER),
    "a user that is only said": (post(REVOKE, b"X-User: a").replace(OPERATOR, b"X-A: a"), STRANGER),
    "an empty token": (bearer(b""), STRANGER),
    "a token that is none": (bearer(b"rubbish"), STRANGER),
    "a token of another secret": (bearer(signed(OTHER)), STRANGER),
    "a token that nobody signed": (bearer(signed("", "none")), STRANGER),
    "a token signed in another way": (bearer(signed(algorithm="HS512")), STRANGER),
    "a token that has expired": (bearer(signed(iat=1, exp=2)), STRANGER),
    "a token that is not good yet": (bearer(signed(nbf=9_999_999_999)), STRANGER),
    "a token without an end": (bearer(signed(exp=None)), STRANGER),
    "a token of nobody": (bearer(signed(sub=None)), STRANGER),
    "a token of the system": (bearer(signed(sub="system")), STRANGER),
    "a token of a role that there is not": (bearer(signed(role="system")), STRANGER),
    "a token that is too long": (bearer(b"x" * 9000), STRANGER),
    "a token of brackets": (bearer(NESTED), STRANGER),
    "two tokens": (post(REVOKE, OPERATOR), STRANGER),
    "a token that may not": (bearer(signed()), FOREIGN),
}

HANDSHAKES: dict[str, tuple[bytes, Answer]] = {
    "by POST": (upgrade(method=b"POST"), Answer(405)),
    "with a body": (upgrade(b"Content-Length: 3") + b"abc", BROKEN),
    "with chunks": (upgrade(CHUNKED) + b"0\r\n\r\n", BROKEN),
    "without a key": (upgrade().replace(b"Sec-WebSocket-Key: " + KEY, b"X-A: a"), BROKEN),
    "with a key that is none": (upgrade().replace(KEY, b"short"), BROKEN),
    "with two keys": (upgrade(b"Sec-WebSocket-Key: " + KEY), BROKEN),
    "in another version": (upgrade().replace(b"Version: 13", b"Version: 8"), BROKEN),
    "with two Hosts": (upgrade(b"Host: evil"), BROKEN),
    "with a subprotocol of raw bytes": (upgrade(b"Sec-WebSocket-Protocol: \xff"), BROKEN),
    "at a target of raw bytes": (upgrade(target=b"/ws?\xff"), BROKEN),
    "at a target that is too long": (upgrade(target=b"/ws?" + b"x" * 9000), Answer(414)),
    "with a header that is too long": (upgrade(b"X-A: " + b"x" * 9000), Answer(431)),
    "with too many headers": (upgrade(*[b"X-A: a"] * 200), Answer(431)),
    "where there is no socket": (upgrade(target=b"/nowhere"), Answer(404, "not_found")),
    "at a target that is all of it": (upgrade(target=b"http://evil/ws"), Answer(403)),
    "from another origin": (upgrade(b"Origin: https://evil.example"), FOREIGN),
    "from its own origin at another port": (upgrade(b"Origin: http://127.0.0.1:1"), FOREIGN),
    "from no origin": (upgrade(b"Origin: null"), FOREIGN),
    "from two origins": (upgrade(b"Origin: http://127.0.0.1", b"Origin: https://evil"), BROKEN),
    "with a bad token": (upgrade(b"Authorization: Bearer rubbish"), STRANGER),
    "with a token of brackets": (upgrade(b"Authorization: Bearer " + NESTED), STRANGER),
    "with two tokens": (upgrade(OPERATOR, OPERATOR), STRANGER),
    "for a topic that there is not": (upgrade(target=b"/ws?topics=evil"), INVALID),
    "for a topic of raw bytes": (upgrade(target=b"/ws?topics=%ff"), INVALID),
    "from before the first event": (upgrade(target=b"/ws?since=-1"), INVALID),
    "from a position of many digits": (upgrade(target=b"/ws?since=" + b"9" * 5000), INVALID),
}

TABLES = {
    "line": LINES,
    "header": HEADERS,
    "body": BODIES,
    "parameter": PARAMETERS,
    "token": TOKENS,
    "handshake": HANDSHAKES,
}
BAD_REQUESTS = {
    f"{table}: {name}": case for table, cases in TABLES.items() for name, case in cases.items()
}


def answer_of(status: int, body: bytes) -> Answer:
    """The status of an answer, and the code of its error, if it is one of ours."""
    try:
        return Answer(status, orjson.loads(body).get("code"))
    except orjson.JSONDecodeError:
        return Answer(status)
