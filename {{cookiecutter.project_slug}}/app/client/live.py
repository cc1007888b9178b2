"""A client that stays: it connects, comes back, catches up, and sends commands."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable, Sequence
from time import monotonic
from urllib.parse import urlsplit
from uuid import uuid4

from websockets.exceptions import InvalidStatus, WebSocketException

from .connection import Connection
from .ending import CloseCode, Lost, Stopped, refused
from .inbox import Inbox
from .login import Login
from .messages import Ack, Action, Event, Snapshot, State
from .outbox import Outbox
from .snapshot import get_snapshot
from .timing import USUAL, Timing

log = logging.getLogger(__name__)


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
        in_flight: int = 32,
        tries: int = 10,
        on_state: Callable[[State], None] = lambda _: None,
        timing: Timing = USUAL,
    ) -> None:
        """`url` is where the service is; a query, such as `?user=alice`, is kept.

        Without `topics` every stored event is heard that may be; with `[]` none. `since` and
        `epoch` go on where another client was; without them a Snapshot comes first. At most
        `outbox` commands wait for their answers, then `send` waits; at most `unread` items wait to
        be read. `get_token` is asked at the start, before the token expires, and when it has.
        At most `in_flight` commands are sent before the first is answered: by default fewer than
        the service takes at once. What it cannot do for the moment (`rate_limited`, `unavailable`)
        is sent again when it says so, `tries` times in all; what was sent behind it may have been
        done by then.
        """
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https", "ws", "wss"):
            raise ValueError(f"{url!r} does not begin with http:// or https://")
        where = f"://{parts.netloc}{parts.path.rstrip('/')}/api/v1"
        query = f"?{parts.query}" if parts.query else ""
        self._ws = f"{parts.scheme.replace('http', 'ws')}{where}/ws{query}"
        self._snapshot = f"{parts.scheme.replace('ws', 'http')}{where}/snapshot{query}"
        self._topics = None if topics is None else list(topics)
        self._on_state, self._timing = on_state, timing
        self._login = Login(token, get_token)
        self._inbox = Inbox(unread, since, epoch)
        self._outbox = Outbox(outbox, in_flight=in_flight, tries=tries)
        self._connection = self._another()
        self.state = State.CONNECTING
        self.lost: Lost | None = None
        """How the last connection has ended, or why there was none."""

    @property
    def seq(self) -> int | None:
        """The position in the log of the newest item, read or not."""
        return self._inbox.seq

    @property
    def epoch(self) -> str | None:
        """The log that `seq` is a position of."""
        return self._inbox.epoch

    async def __aenter__(self) -> LiveClient:
        self._running = asyncio.create_task(self._run(), name="live client")
        return self

    async def __aexit__(self, *problem: object) -> None:
        self._running.cancel()
        try:
            await asyncio.wait([self._running])
        finally:  # also when it is cancelled: nobody waits for it for ever
            self._stop(None)

    async def send(self, action: Action, id: str | None = None) -> Ack:
        """Have something done, once, however often the connection is lost; or raise CommandError.

        `id` has 1 to 64 characters. What waits under the same id has the same answer; another
        action is refused (`id_reused`). When it is cancelled it may have been done.
        """
        return await self._outbox.send(action, str(uuid4()) if id is None else id)

    def __aiter__(self) -> LiveClient:
        return self

    async def __anext__(self) -> Event | Snapshot:
        """What happened next; raises Stopped when the service has sent this client away."""
        item = await self._inbox.take()
        if self._inbox.misses_some:
            self._connection.subscribe()
        return item

    async def _run(self) -> None:
        """Connect again and again, until the service says not to come back."""
        failures, timing = 0, self._timing
        try:
            while True:
                self._connection = self._another()
                lost = self.lost = await self._connect()
                if lost.is_final or (
                    lost.code == CloseCode.EXPIRED and not self._login.drop_token()
                ):
                    raise Stopped(lost.code, lost.reason)
                live_at = self._connection.live_at
                if live_at is not None and monotonic() - live_at >= timing.stable_after:
                    failures = 0
                pause = random.random() * timing.pause(failures, lost.code)  # noqa: S311 - no secret
                failures += 1
                delay = max(lost.wait, pause)
                log.info("lost: %s (%d); again in %.1f s", lost.reason, lost.code, delay)
                self._become(State.RECOVERING)
                await asyncio.sleep(delay)
        except Exception as fault:  # of any kind: whoever reads or sends is told
            log.error("stopped: %s", fault, exc_info=not isinstance(fault, Stopped))
            self._stop(fault)

    async def _connect(self) -> Lost:
        """One connection, from its beginning to its end; how it has ended, or why there is none."""
        try:
            headers = await self._login.headers()
            if self.seq is None and self._topics != []:
                within = self._timing.connect_within
                async with asyncio.timeout(within):
                    told = await asyncio.to_thread(get_snapshot, self._snapshot, headers, within)
                if isinstance(told, Lost):
                    return told
                self._inbox.begin(told)
            return await self._connection.last(self._ws, headers, self._login)
        except InvalidStatus as refusal:
            response = refusal.response
            return refused(response.status_code, bytes(response.body or b""), response.headers)
        except (OSError, TimeoutError, ValueError, WebSocketException) as problem:
            return Lost(CloseCode.LOST, str(problem) or type(problem).__name__)

    def _another(self) -> Connection:
        return Connection(
            self._topics,
            self._timing,
            inbox=self._inbox,
            outbox=self._outbox,
            on_live=self._became_live,
        )

    def _became_live(self) -> None:
        self._login.was_accepted()
        self._become(State.LIVE)

    def _become(self, state: State) -> None:
        if state is not self.state:
            self.state = state
            try:
                self._on_state(state)
            except Exception:  # a mistake there stops nothing here
                log.exception("on_state failed")

    def _stop(self, fault: Exception | None) -> None:
        if self.state is State.STOPPED:
            return
        self._inbox.close(fault)
        self._outbox.close(str(fault or "the client is closed"))
        self._become(State.STOPPED)
