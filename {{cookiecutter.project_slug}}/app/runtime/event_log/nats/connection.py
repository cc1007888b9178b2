"""One connection to one NATS server, until it breaks."""

from __future__ import annotations

import asyncio
import secrets
import ssl
from collections.abc import Callable, Coroutine, Mapping, Sequence
from contextlib import suppress
from itertools import count
from typing import Any, TypeVar

import nats.errors
import structlog
from nats.aio.msg import Msg

from app.runtime.event_log.nats.address import Address
from app.runtime.event_log.nats.client import StrictClient
from app.runtime.event_log.port import LogUnavailable

CONNECT_SECONDS = 2
ANSWER_SECONDS = 5.0
CLOSE_SECONDS = 1.0
PING_SECONDS, PINGS_WITHOUT_ANSWER = 5, 2
# What has come and was not taken yet; more is dropped, and found missing by whoever reads.
UNREAD_MESSAGES, UNREAD_BYTES = 16_384, 64 * 1024 * 1024
# RuntimeError is what uvloop says of a connection that is closed already.
FAULTS = (nats.errors.Error, OSError, TimeoutError, EOFError, RuntimeError)

T = TypeVar("T")

log = structlog.get_logger(__name__)


class Unanswered(LogUnavailable):
    """It was asked, and no answer came: what was asked for may be done, now or later."""


class Unserved(LogUnavailable):
    """Nobody has heard it: nothing is done."""


class Unauthorized(LogUnavailable):
    """The server does not know this user, or this password."""


class _Answers:
    """What has come for one request; `done` once the last of it has, or none will come."""

    def __init__(self, is_last: Callable[[Msg], bool]) -> None:
        self.is_last = is_last
        self.messages: list[Msg] = []
        self.is_whole = False
        self.done = asyncio.Event()

    def add(self, message: Msg) -> None:
        if self.is_whole:  # two servers answer while the one takes over from the other
            return
        self.messages.append(message)
        if self.is_last(message):
            self.is_whole = True
            self.done.set()


class Connection:
    """Asks, tells and hears.

    The library waits by `asyncio.wait_for`, and in one place takes a cancellation for its own: a
    task of ours that is cancelled there would go on. So its calls run in tasks of their own.
    """

    def __init__(self, address: Address, server: str) -> None:
        self._address = address
        self._server = server
        self._client = StrictClient(must_encrypt=address.is_encrypted)
        self._inbox = f"_INBOX.{secrets.token_hex(12)}"
        self._numbers = count(1)
        self._waiting: dict[str, _Answers] = {}
        self._calls: set[asyncio.Task[Any]] = set()
        self._problem: object = "the connection broke"
        self._is_dropped = False

    @property
    def is_open(self) -> bool:
        """Whether nothing has gone wrong with it so far."""
        return self._client.is_connected and not self._is_dropped

    @property
    def most_bytes(self) -> int:
        """What one message may have, headers included, as the server says."""
        return self._client.max_payload

    @property
    def version(self) -> tuple[int, int]:
        """The server's, as far as it matters."""
        version = self._client.connected_server_version
        return version.major, version.minor

    @property
    def has_jetstream(self) -> bool:
        """Whether this server keeps streams, as it says."""
        return bool(self._client.server_info.get("jetstream"))

    async def open(self) -> None:
        """Connect; raises LogUnavailable, and Unauthorized."""
        address = self._address
        connecting = self._client.connect(
            [self._server],
            name="event log",
            user=address.user,
            password=address.password,
            token=address.token,
            tls=ssl.create_default_context() if address.is_encrypted else None,
            no_echo=True,
            allow_reconnect=False,
            max_reconnect_attempts=1,
            reconnect_time_wait=0,
            connect_timeout=CONNECT_SECONDS,
            ping_interval=PING_SECONDS,
            max_outstanding_pings=PINGS_WITHOUT_ANSWER,
            error_cb=self._went_wrong,
            closed_cb=self._was_closed,
        )
        try:
            await self._within(2 * CONNECT_SECONDS, connecting)
            await self.subscribe(f"{self._inbox}.*", self._answered)
        except FAULTS as fault:
            problem = self._problem if isinstance(fault, nats.errors.NoServersError) else fault
            words = f"{self._server}: {_said(problem)}"
            if "authorization" in words.lower() or "authentication" in words.lower():
                raise Unauthorized(words) from None
            raise LogUnavailable(words) from None

    async def subscribe(self, subject: str, hear: Callable[[Msg], None]) -> None:
        """Hear what is said to a subject, from when this returns on; raises LogUnavailable."""

        async def called(message: Msg) -> None:
            hear(message)

        subscribing = self._client.subscribe(
            subject,
            cb=called,
            pending_msgs_limit=UNREAD_MESSAGES,
            pending_bytes_limit=UNREAD_BYTES,
        )
        try:
            await self._within(ANSWER_SECONDS, subscribing)
            await self._within(ANSWER_SECONDS, self._client.flush())
        except FAULTS as fault:
            raise LogUnavailable(f"{self._server}: {_said(fault)}") from None

    async def tell(self, subject: str, data: bytes) -> None:
        """Say something to whoever listens; at most once. Raises LogUnavailable."""
        try:
            await self._within(ANSWER_SECONDS, self._client.publish(subject, data))
        except FAULTS as fault:
            raise LogUnavailable(f"{self._server}: {_said(fault)}") from None

    async def ask(
        self,
        subject: str,
        data: bytes,
        headers: Mapping[str, str] | None = None,
        *,
        is_last: Callable[[Msg], bool] = lambda _: True,
        seconds: float = ANSWER_SECONDS,
    ) -> Sequence[Msg]:
        """The answers to a request, up to the last; raises Unanswered, and Unserved.

        A connection on which an answer is missing is given up: another server may do better. But
        not by whoever waits for fewer `seconds`, and can ask otherwise.
        """
        number = str(next(self._numbers))
        answers = self._waiting[number] = _Answers(is_last)
        reply = f"{self._inbox}.{number}"
        request = self._client.publish(subject, data, reply, dict(headers) if headers else None)
        try:
            async with asyncio.timeout(seconds):
                await self._within(seconds, request)
                await answers.done.wait()
                if not answers.is_whole:
                    raise OSError(_said(self._problem))
        except FAULTS as fault:
            if seconds >= ANSWER_SECONDS:
                self._drop()
            raise Unanswered(f"{self._server}: {_said(fault)}") from None
        finally:
            self._waiting.pop(number, None)
        if answers.messages[0].headers and answers.messages[0].headers.get("Status") == "503":
            raise Unserved(f"{self._server}: nobody answers to {subject} now")
        return answers.messages

    async def close(self) -> None:
        """Send what is to be sent, as far as it goes at once, and end the connection."""
        with suppress(*FAULTS):
            if self.is_open:
                await self._within(CLOSE_SECONDS, self._client.flush())
        self._drop()
        with suppress(*FAULTS):
            await self._within(CLOSE_SECONDS, self._client.close())
        for call in self._calls:
            call.cancel()
        if self._calls:
            await asyncio.wait(self._calls, timeout=CLOSE_SECONDS)

    def _drop(self) -> None:
        self._is_dropped = True
        self._client.drop()

    def _answered(self, message: Msg) -> None:
        answers = self._waiting.get(message.subject.rpartition(".")[2])
        if answers is not None:
            answers.add(message)

    async def _within(self, seconds: float, call: Coroutine[Any, Any, T]) -> T:
        """What a call of the library gives; raises TimeoutError, and is never late to be cancelled.

        A call that goes on all the same is ended with the connection.
        """
        task = asyncio.create_task(call)
        self._calls.add(task)
        task.add_done_callback(self._ended)
        try:
            async with asyncio.timeout(seconds):
                await asyncio.wait([task])
        finally:
            task.cancel()  # which does nothing to one that is done
        if task.cancelled():
            raise OSError("the connection was closed")
        return task.result()

    def _ended(self, call: asyncio.Task[Any]) -> None:
        self._calls.discard(call)
        if not call.cancelled():
            call.exception()  # whoever has not given it up has it from the call

    async def _went_wrong(self, fault: Exception) -> None:
        self._problem = fault
        is_told = "permission" not in str(fault).lower()  # all else is, to whoever calls
        if isinstance(fault, nats.errors.SlowConsumerError) or not is_told:
            log.warning("the event log's server complains", problem=_said(fault))

    async def _was_closed(self) -> None:
        for answers in self._waiting.values():
            answers.done.set()


def _said(problem: object) -> str:
    if isinstance(problem, TimeoutError):
        return "no answer in time"
    return " ".join(str(problem).split()).removeprefix("nats: ") or type(problem).__name__
