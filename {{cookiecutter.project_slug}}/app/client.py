"""A client of the live connection: one file to copy, which needs Python 3.11 and `websockets`.

    async with connect("https://shop.example", get_token=fetch_token) as client:
        ack = await client.send({"RevokeTokens": {"user_id": "mallory"}})
        async for item in client:
            match item:
                case Snapshot(state=state): ...     # forget what was known, and start from this
                case Event(action={"TokensRevoked": fields}): ...

It comes back by itself and goes on where it was; `docs/protocol.md` says how. A caller that does
not read slows the connection down, and misses nothing that is stored.
"""

from __future__ import annotations

import asyncio
import base64
import json
import logging
import random
import urllib.error
import urllib.request
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from http import HTTPStatus
from math import inf
from time import monotonic, time
from typing import Any, TypeAlias
from urllib.parse import urlsplit
from uuid import uuid4

from websockets.asyncio.client import ClientConnection
from websockets.asyncio.client import connect as open_socket
from websockets.exceptions import ConnectionClosed, InvalidStatus, WebSocketException

Action: TypeAlias = Mapping[str, Any] | str
MESSAGE_BYTES = 16 * 1024 * 1024
GOODBYE_SECONDS = 1
MOST_DOUBLINGS = 30

log = logging.getLogger(__name__)


class State(StrEnum):
    """Whether events are heard."""

    CONNECTING = "connecting"
    LIVE = "live"
    RECOVERING = "recovering"
    STOPPED = "stopped"


class CloseCode(IntEnum):
    """Why a connection has ended: codes that this client or its caller cares for."""

    GOING_AWAY = 1001
    LOST = 1006
    MISTAKE = 1011
    DRAINING = 1012
    TOO_SLOW = 4008
    TOO_FAST = 4009
    EXPIRED = 4401
    BAD_TOKEN = 4501
    REVOKED = 4503
    TOO_MANY_CONNECTIONS = 4504


@dataclass(frozen=True, slots=True)
class Event:
    """Something happened; what passes, and is not stored, has no `seq`."""

    action: Action
    seq: int | None = None
    cause: str | None = None


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All that may be seen, as it was at `seq`: forget what was known, and start from this."""

    state: dict[str, Any]
    seq: int
    epoch: str


@dataclass(frozen=True, slots=True)
class Ack:
    """The command is done; a `duplicate` had been done before."""

    id: str
    seq: int
    duplicate: bool = False


@dataclass(frozen=True, slots=True)
class Timing:
    """Seconds: of pauses before a connection is made anew, and of what is waited for."""

    first_delay: float = 1
    longest_delay: float = 30
    drain_delay: float = 5
    connect_within: float = 15
    stable_after: float = 10
    ping_after: float = 25
    pong_within: float = 10
    renew_before: float = 30

    def pause(self, failures: int, code: int) -> float:
        """The longest pause after so many failures; a stop sends everybody away at once."""
        pause = min(self.longest_delay, self.first_delay * 2.0 ** min(failures, MOST_DOUBLINGS))
        is_crowd = code in (CloseCode.GOING_AWAY, CloseCode.DRAINING)
        return max(pause, self.drain_delay) if is_crowd else pause


class CommandError(Exception):
    """A command that was refused, got no answer (`lost`), or was not sent (`offline`).

    Whether a `lost` one was done, sending it again with the same id tells.
    """

    def __init__(self, code: str, message: str, id: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.code, self.id, self.retry_after = code, id, retry_after


class Stopped(Exception):
    """Coming back would not help; `code` is a close code, or the HTTP status of a refusal."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(f"{reason or 'no reason given'} ({code})")
        self.code, self.reason = code, reason


@dataclass(frozen=True, slots=True)
class Lost:
    """How a connection has ended, or why there was none; `wait` is the least, in seconds."""

    code: int
    reason: str = ""
    wait: float = 0

    @property
    def is_final(self) -> bool:
        """Whether coming back would not help."""
        return self.code < 1000 or 4500 <= self.code < 5000


class LiveClient:
    """One connection to the service, however often it has to be made anew, while its context lasts.

    It iterates over Events and Snapshots; whoever reads them may send in between.
    """

    def __init__(
        self,
        url: str,
        *,
        topics: Sequence[str] | None = None,
        token: str | None = None,
        get_token: Callable[[], Awaitable[str]] | None = None,
        since: int | None = None,
        epoch: str | None = None,
        outbox: int = 1000,
        unread: int = 1000,
        on_state: Callable[[State], None] = lambda _: None,
        timing: Timing = Timing(),
        chance: Callable[[], float] = random.random,
    ) -> None:
        """`url` is where the service is; a query, such as `?user=alice`, is kept.

        Without `topics` every stored event is heard that may be; with `[]` none. `since` and
        `epoch` go on where another client was; without them a Snapshot comes first. At most
        `outbox` commands wait for their answers, then `send` waits; at most `unread` items wait to
        be read. `get_token` is asked at the start, before the token expires, and when it has.
        """
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https", "ws", "wss"):
            raise ValueError(f"{url!r} does not begin with http:// or https://")
        where = f"://{parts.netloc}{parts.path.rstrip('/')}/api/v1"
        query = f"?{parts.query}" if parts.query else ""
        self._ws = f"{parts.scheme.replace('http', 'ws')}{where}/ws{query}"
        self._snapshot = f"{parts.scheme.replace('ws', 'http')}{where}/snapshot{query}"
        self._topics = None if topics is None else list(topics)
        self._token, self._get_token = token, get_token
        self._on_state, self._timing, self._chance = on_state, timing, chance
        self.state = State.CONNECTING
        self.seq, self.epoch = since, epoch  # of the newest item, read or not
        self._items: deque[Event | Snapshot] = deque()
        self._unread, self._changed, self._arrived = unread, asyncio.Event(), asyncio.Event()
        self._outbox: dict[str, tuple[str, asyncio.Future[Ack]]] = {}
        self._room = asyncio.Semaphore(outbox)
        self._outgoing: asyncio.Queue[str] | None = None  # no more than the outbox, and a question
        self._is_deaf = self._is_behind = self._has_renewed = False
        self._live_at: float | None = None
        self._lost: Lost | None = None
        self._fault: Exception | None = None

    async def __aenter__(self) -> LiveClient:
        self._running = asyncio.create_task(self._run(), name="live client")
        return self

    async def __aexit__(self, *problem: object) -> None:
        self._running.cancel()
        await asyncio.wait([self._running])
        self._stop(None)

    async def send(self, action: Action, id: str | None = None) -> Ack:
        """Have something done, once, however often the connection is lost; or raise CommandError.

        When it is cancelled it may have been done.
        """
        id = id or str(uuid4())  # noqa: A001 - what the wire calls it
        async with self._room:
            if self.state is State.STOPPED:
                raise CommandError("offline", f"nothing was sent: {self._why()}", id)
            if id in self._outbox:
                raise ValueError(f"a command with the id {id} waits for its answer already")
            answer: asyncio.Future[Ack] = asyncio.get_running_loop().create_future()
            text = _text("command", action=action, id=id)
            self._outbox[id] = text, answer
            self._changed.set()  # the answer may lie behind events that nobody reads
            if self._outgoing is not None:
                self._outgoing.put_nowait(text)
            try:
                return await answer
            finally:
                del self._outbox[id]

    def __aiter__(self) -> LiveClient:
        return self

    async def __anext__(self) -> Event | Snapshot:
        """What happened next; raises Stopped when the service has sent this client away."""
        while not self._items:
            if self.state is State.STOPPED:
                raise self._fault or StopAsyncIteration
            self._arrived.clear()
            await self._arrived.wait()
        item = self._items.popleft()
        self._changed.set()
        if self._is_behind and len(self._items) <= self._unread // 2:
            self._is_behind = False
            self._subscribe()
        return item

    # From one connection to the next

    async def _run(self) -> None:
        """Connect again and again, until the service says not to come back."""
        failures, timing = 0, self._timing
        try:
            while True:
                lost = await self._connect()
                if lost.is_final or (lost.code == CloseCode.EXPIRED and not self._may_renew()):
                    raise Stopped(lost.code, lost.reason)
                if self._live_at is not None and monotonic() - self._live_at >= timing.stable_after:
                    failures = 0
                pause = self._chance() * timing.pause(failures, lost.code)
                failures += 1
                delay = max(lost.wait, pause)
                log.info("lost: %s (%d); again in %.1f s", lost.reason, lost.code, delay)
                self._become(State.RECOVERING)
                await asyncio.sleep(delay)
        except Exception as fault:  # of any kind: whoever reads or sends is told
            log.error("stopped: %s", fault, exc_info=not isinstance(fault, Stopped))
            self._stop(fault)

    async def _connect(self) -> Lost:
        """One connection, from its beginning to its end; how it has ended."""
        self._live_at = self._lost = None
        within = self._timing.connect_within
        try:
            if self._get_token and (self._token is None or _seconds_left(self._token) <= 0):
                self._token = await self._new_token(self._get_token)
            said = {"Authorization": f"Bearer {self._token}"} if self._token else {}
            if self.seq is None and self._topics != []:
                self._begin(await asyncio.to_thread(_get, self._snapshot, said, within))
            async with asyncio.timeout(within):
                socket = await open_socket(
                    self._ws,
                    additional_headers=said,
                    ping_interval=None,  # not before what waits to be read has been
                    open_timeout=None,
                    close_timeout=GOODBYE_SECONDS,
                    max_size=MESSAGE_BYTES,
                )
            try:
                await self._converse(socket)
            finally:
                self._outgoing = None
                await socket.close()
        except InvalidStatus as refusal:
            response = refusal.response
            return _refused(response.status_code, bytes(response.body or b""), response.headers)
        except urllib.error.HTTPError as refusal:
            with refusal:
                return _refused(refusal.code, refusal.read(), dict(refusal.headers))
        except (OSError, TimeoutError, ValueError, WebSocketException) as problem:
            return Lost(CloseCode.LOST, str(problem) or type(problem).__name__)
        return self._lost or Lost(socket.close_code or CloseCode.LOST, socket.close_reason or "")

    async def _converse(self, socket: ClientConnection) -> None:
        """Say and hear, until the connection is closed."""
        self._outgoing = asyncio.Queue()
        self._is_behind = False
        self._subscribe()
        for text, _ in self._outbox.values():
            self._outgoing.put_nowait(text)
        async with asyncio.TaskGroup() as group:
            saying = group.create_task(_say(socket, self._outgoing))
            renewing = group.create_task(self._renew())
            with suppress(ConnectionClosed):
                while True:
                    await self._take(await self._hear(socket), socket)
            saying.cancel()
            renewing.cancel()

    async def _hear(self, socket: ClientConnection) -> Any:
        """The next message; after a silence ask whether anybody is there, and wait no longer."""
        with suppress(TimeoutError):
            async with asyncio.timeout(self._timing.ping_after):
                return json.loads(await socket.recv())
        self._put("ping")
        try:
            async with asyncio.timeout(self._timing.pong_within):
                return json.loads(await socket.recv())
        except TimeoutError:
            self._lost = Lost(CloseCode.LOST, "no answer to a ping")
            socket.transport.abort()
            return {"type": "pong"}

    async def _take(self, message: Any, socket: ClientConnection) -> None:
        match message:
            case {"type": "event", "action": action}:
                await self._happened(Event(action, message.get("seq"), message.get("cause")))
            case {"type": "ack", "id": id, "seq": seq} if id in self._outbox:
                self._settle(id, Ack(id, seq, message.get("duplicate") or False))
            case {"type": "error", "id": id, "code": code, "message": text} if id in self._outbox:
                self._settle(id, CommandError(code, text, id, message.get("retry_after")))
            case {"type": "error", "code": code, "message": text}:
                log.warning("refused: %s (%s)", text, code)
                if self._live_at is None:
                    final = code in ("invalid", "forbidden", "unauthenticated")
                    self._lost = Lost(HTTPStatus.FORBIDDEN if final else CloseCode.LOST, text)
                    await socket.close()
            case {"type": "subscribed", "recovered": is_recovered, "epoch": epoch}:
                if not is_recovered and self._topics != []:
                    self.seq = self.epoch = None  # a snapshot is taken before the next connection
                    self._lost = Lost(CloseCode.LOST, "away for too long: starting anew")
                    await socket.close()
                else:
                    self._is_deaf, self.epoch = False, epoch
                    self._become_live()
            case {"type": "ping"}:
                self._put("pong")

    # What is heard, and what is said

    async def _happened(self, event: Event) -> None:
        """Keep it to be read, unless it was heard before; wait until there is room.

        While commands wait for their answers, which lie behind, events without room are passed over
        instead: when there is room again, the service is asked for them.
        """
        if self._is_deaf or (event.seq is not None and event.seq <= (self.seq or 0)):
            return
        while len(self._items) >= self._unread:
            if self._outbox:
                self._is_deaf = self._is_behind = True
                return
            self._changed.clear()
            await self._changed.wait()
        if event.seq is not None:
            self.seq = event.seq
        self._keep(event)

    def _begin(self, snapshot: Snapshot) -> None:
        self.seq, self.epoch = snapshot.seq, snapshot.epoch
        self._keep(snapshot)

    def _keep(self, item: Event | Snapshot) -> None:
        self._items.append(item)
        self._arrived.set()

    def _subscribe(self) -> None:
        """Ask for what is missed, and all that follows; what comes before the answer is not it."""
        self._is_deaf = True
        asked = {"topics": self._topics, "since": self.seq, "epoch": self.epoch}
        self._put(
            "subscribe", **{name: value for name, value in asked.items() if value is not None}
        )

    def _put(self, type: str, **fields: object) -> None:
        if self._outgoing is not None:
            self._outgoing.put_nowait(_text(type, **fields))

    def _settle(self, id: str, outcome: Ack | CommandError) -> None:
        _, answer = self._outbox[id]
        if answer.done():  # its sender has been cancelled
            return
        if isinstance(outcome, Ack):
            answer.set_result(outcome)
        else:
            answer.set_exception(outcome)

    def _become_live(self) -> None:
        if self._live_at is None:
            self._live_at, self._has_renewed = monotonic(), False
            self._become(State.LIVE)

    def _become(self, state: State) -> None:
        if state is not self.state:
            self.state = state
            self._on_state(state)

    def _stop(self, fault: Exception | None) -> None:
        if self.state is State.STOPPED:
            return
        self._fault = fault
        self._become(State.STOPPED)
        self._arrived.set()
        for name in self._outbox:
            self._settle(name, CommandError("lost", f"no answer came: {self._why()}", name))

    def _why(self) -> str:
        return str(self._fault or "the client is closed")

    # Who it is

    def _may_renew(self) -> bool:
        """Whether another token may help; from now on there is none."""
        if self._get_token is None or self._has_renewed:
            return False
        self._token, self._has_renewed = None, True
        return True

    async def _renew(self) -> None:
        """Log in anew, again and again, before the token expires."""
        while self._get_token and self._token and (left := _seconds_left(self._token)) < inf:
            early = min(self._timing.renew_before, left / 2)
            await asyncio.sleep(max(self._timing.first_delay, left - early))
            try:
                self._token = await self._new_token(self._get_token)
                self._put("auth", token=self._token)
            except ConnectionError as problem:
                log.warning("the token was not renewed: %s", problem)

    async def _new_token(self, get_token: Callable[[], Awaitable[str]]) -> str:
        try:
            return await get_token()
        except Exception as problem:  # of any kind: it may pass, as a lost connection does
            raise ConnectionError(f"no token: {problem!r}") from problem


connect = LiveClient  # async with connect(...) as client


def _text(type: str, **fields: object) -> str:
    return json.dumps({"type": type, **fields}, separators=(",", ":"))


async def _say(socket: ClientConnection, outgoing: asyncio.Queue[str]) -> None:
    with suppress(ConnectionClosed):
        while True:
            await socket.send(await outgoing.get())


def _get(url: str, headers: Mapping[str, str], within: float) -> Snapshot:
    """The snapshot, by the standard library; called in a thread."""
    request = urllib.request.Request(url)  # noqa: S310 - LiveClient has looked at the scheme
    for name, value in headers.items():
        request.add_unredirected_header(name, value)
    with urllib.request.urlopen(request, timeout=within) as answer:  # noqa: S310 - as above
        told = json.load(answer)
    return Snapshot(told["state"], told["seq"], told["epoch"])


def _refused(status: int, body: bytes, headers: Mapping[str, str]) -> Lost:
    """What to do after a refusal by HTTP: a status is final, but for those that pass."""
    reason, wait = f"HTTP {status}", headers.get("Retry-After", "")
    with suppress(ValueError, KeyError, TypeError):
        reason = f"{json.loads(body)['message']} ({reason})"
    if status == HTTPStatus.UNAUTHORIZED:
        code = int(CloseCode.EXPIRED)
    elif status in (HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS) or status >= 500:
        code = int(CloseCode.LOST)
    else:
        code = status
    return Lost(code, reason, float(wait) if wait.isdecimal() else 0.0)


def _seconds_left(token: str) -> float:
    """Until a JSON Web Token expires (RFC 7519, 4.1.4); of others that is not known."""
    with suppress(ValueError, KeyError, TypeError, IndexError):
        claims = base64.urlsafe_b64decode(token.split(".")[1] + "==")
        return float(json.loads(claims)["exp"]) - time()
    return inf
