"""A JetStream stream: what is published to it, by compare-and-set, and what lies in it."""

from __future__ import annotations

import secrets
from base64 import b64decode
from collections.abc import Sequence
from typing import Any, NamedTuple

import orjson
from nats.aio.msg import Msg

from app.core.rejected import StartRefused
from app.runtime.event_log.nats.connection import Connection, Unanswered
from app.runtime.event_log.nats.line import Line
from app.runtime.event_log.port import LogFull, LogUnavailable, TooLarge

API = "$JS.API"
FORMAT, TOLD = "1", "stored"
# `err_code` of a JetStream answer, as in errors.json of the server.
NO_MESSAGE, NO_STREAM, EXISTS_OTHERWISE = 10037, 10059, 10058
WRONG_LAST_SEQUENCE, EXCEEDS_MAXIMUM = (10071, 10164), 10054
NO_ROOM, STORE_FAILED = (10002, 10023, 10028, 10047), 10077
# A server has no room: of several, the others may have stored what this one could not.
NO_ROOM_HERE = 10023
# Not enabled, for this account or at all; subjects of another stream; no cluster; no such setting.
USELESS = (10039, 10052, 10065, 10074, 10076)
# Of the headers of a message, and what the server puts around it.
HEADER_BYTES = 512
BATCH_BYTES, BATCH_SECONDS = 1024 * 1024, 2.0


class Stored(NamedTuple):
    """A message of a stream."""

    sequence: int
    data: bytes


class WrongSequence(Exception):
    """The stream, or the subject in it, does not end where it was expected to; nothing is stored.

    Or it will: then what is under way may still fail, and the end is the expected one after all.
    """


class Refused(LogUnavailable):
    """JetStream says no; `number` says why."""

    def __init__(self, words: str, number: int) -> None:
        super().__init__(words)
        self.number = number


class Stream:
    """One stream, made with the epoch of the log, and with a `subject` that no other one has.

    So what is meant for a stream cannot get into one that has replaced it. It has this one subject,
    or `has_parts`: then all below it are its own. Of one that `is_told` the server says beside it,
    to all who listen, what it has stored.
    """

    def __init__(
        self, line: Line, name: str, *, has_parts: bool = False, is_told: bool = False
    ) -> None:
        self.name = name
        self.subject = ""
        self.replicas = 0
        self._line = line
        self._has_parts = has_parts
        self._is_told = is_told

    def beside(self, what: str) -> str:
        """A subject for what is said of this stream, and is not in it."""
        return f"{self.name}_{what}{self.subject.removeprefix(self.name)}"

    def words(self, problem: object) -> str:
        """What is wrong, and with which log, in one line."""
        return self._line.words(problem)

    async def made(self, connection: Connection, epoch: str, settings: dict[str, Any]) -> str:
        """The epoch of the stream, which is made when absent; of two who try, one makes it.

        The first that is found stays the one that is used. Raises LogUnavailable, and StartRefused
        when that is of no use.
        """
        try:
            found = await self._ask(connection, f"STREAM.INFO.{self.name}", None)
        except Refused as refusal:
            self._require_useful(refusal)
            if refusal.number != NO_STREAM:
                raise
            found = await self._created(connection, epoch, settings)
        kept = found["config"].get("metadata", {})
        if kept.get("format") != FORMAT or not kept.get("epoch"):
            words = f"the stream {self.name} is another's: choose a name by ?stream="
            raise StartRefused(self._line.words(words))
        self.subject = self.subject or found["config"]["subjects"][0].removesuffix(".>")
        self.replicas = found["config"]["num_replicas"]
        return str(kept["epoch"])

    async def publish(self, data: bytes, expected: int, subject: str = "") -> int:
        """Store a message, durably, and give its sequence; only after the one that is `expected`.

        With a `subject` below the stream's own, the last one of that subject is. Raises
        WrongSequence, TooLarge, LogUnavailable: nothing is stored. Raises Unanswered: nobody knows.
        """
        connection = await self._line.connection()
        if len(data) + HEADER_BYTES > connection.most_bytes:
            raise TooLarge(f"the server takes {connection.most_bytes} bytes, not {len(data)}")
        header = "Nats-Expected-Last-Subject-Sequence" if subject else "Nats-Expected-Last-Sequence"
        try:
            (answer,) = await connection.ask(subject or self.subject, data, {header: str(expected)})
        except LogUnavailable as problem:
            raise type(problem)(self._line.words(problem)) from None
        found = orjson.loads(answer.data)
        if "error" in found:
            raise self._refusal_of_publish(found["error"])
        return int(found["seq"])

    async def last(self, subject: str = "") -> Stored | None:
        """The last message, as the leader of the stream has it; raises LogUnavailable."""
        return await self._get({"last_by_subj": subject or self.subject})

    async def at(self, sequence: int) -> Stored | None:
        """The message of a sequence, as the leader of the stream has it; raises LogUnavailable."""
        return await self._get({"seq": sequence})

    async def some(self, sequence: int, count: int, below: str = "") -> Sequence[Stored]:
        """Messages from a sequence on, at most `count`, as one of the replicas has them.

        It may not have the last ones yet; what it has is what was stored. The server chooses the
        replica, be it one that hangs. Raises LogUnavailable.
        """
        wanted: dict[str, Any] = {"seq": sequence, "batch": count, "max_bytes": BATCH_BYTES}
        if below:
            wanted["next_by_subj"] = below
        connection = await self._line.connection()
        try:
            answers = await connection.ask(
                f"{API}.DIRECT.GET.{self.name}",
                orjson.dumps(wanted),
                is_last=_is_end,
                seconds=BATCH_SECONDS,
            )
        except LogUnavailable as problem:
            raise type(problem)(self._line.words(problem)) from None
        return [stored_of(answer) for answer in answers if not _is_end(answer)]

    async def purge(self, subject: str, keep: int = 0) -> None:
        """Delete the messages of a subject, but for the last ones; raises LogUnavailable."""
        connection = await self._line.connection()
        wanted: dict[str, Any] = {"filter": subject} | ({"keep": keep} if keep else {})
        await self._ask(connection, f"STREAM.PURGE.{self.name}", wanted)

    async def _get(self, which: dict[str, Any]) -> Stored | None:
        connection = await self._line.connection()
        try:
            found = await self._ask(connection, f"STREAM.MSG.GET.{self.name}", which)
        except Refused as refusal:
            if refusal.number == NO_MESSAGE:
                return None
            raise
        message = found["message"]
        return Stored(int(message["seq"]), b64decode(message.get("data", "")))

    async def _created(
        self, connection: Connection, epoch: str, settings: dict[str, Any]
    ) -> dict[str, Any]:
        own = secrets.token_hex(4)
        subject = f"{self.name}.{own}"
        config = {
            "name": self.name,
            "subjects": [f"{subject}.>" if self._has_parts else subject],
            "retention": "limits",
            "storage": "file",
            "discard": "new",
            "allow_direct": True,
            "metadata": {"epoch": epoch, "format": FORMAT},
            **settings,
        }
        if self._is_told:
            config["republish"] = {"src": subject, "dest": f"{self.name}_{TOLD}.{own}"}
        try:
            return await self._ask(connection, f"STREAM.CREATE.{self.name}", config)
        except Refused as refusal:
            self._require_useful(refusal)
            if refusal.number != EXISTS_OTHERWISE:
                raise
        return await self._ask(connection, f"STREAM.INFO.{self.name}", None)

    def _require_useful(self, refusal: Refused) -> None:
        if refusal.number in USELESS:
            raise StartRefused(str(refusal)) from None

    async def _ask(
        self, connection: Connection, what: str, data: dict[str, Any] | None
    ) -> dict[str, Any]:
        """What the API answers; raises LogUnavailable, Refused above all."""
        try:
            body = b"" if data is None else orjson.dumps(data)
            (answer,) = await connection.ask(f"{API}.{what}", body)
        except LogUnavailable as problem:
            raise type(problem)(self._line.words(problem)) from None
        found: dict[str, Any] = orjson.loads(answer.data)
        error = found.get("error")
        if error is not None:
            words = self._line.words(error.get("description", "JetStream refused"))
            raise Refused(words, error.get("err_code", 0))
        return found

    def _refusal_of_publish(self, error: dict[str, Any]) -> Exception:
        number, description = error.get("err_code"), error.get("description", "")
        words = self._line.words(description)
        if number in WRONG_LAST_SEQUENCE:
            return WrongSequence(words)
        if number == EXCEEDS_MAXIMUM:
            return TooLarge(words)
        if number == NO_ROOM_HERE and self.replicas > 1:
            return Unanswered(words)
        if number in NO_ROOM or (number == STORE_FAILED and "maximum" in description):
            return LogFull(words)
        return Unanswered(words)  # a disk failed: the leader's, maybe not those of the others


def stored_of(message: Msg) -> Stored:
    """What a message of a stream is, that the server has sent on."""
    return Stored(int((message.headers or {})["Nats-Sequence"]), message.data)


def _is_end(message: Msg) -> bool:
    return "Status" in (message.headers or {})
