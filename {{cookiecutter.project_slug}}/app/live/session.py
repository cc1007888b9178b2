"""One client: what it asks for, what it is answered, and when it has to go."""

from __future__ import annotations

import asyncio
import math
import time
from functools import partial

import structlog

from app.access.identity import Identity, is_revoked
from app.access.limits import Lease
from app.access.store import Outcome
from app.core.principal import Principal, Role
from app.core.rejected import Code, Rejected
from app.live import closing
from app.live.admission import admit, identified
from app.live.closing import Goodbye
from app.live.hearing import Hearing
from app.live.live import Live
from app.live.message import PING, PONG, Message
from app.live.patience import UNTRIED, Patience
from app.live.port import Connection
from app.observe.connections import Tally
from app.wire import codec
from app.wire.protocol import Auth, Command, Ping, Pong, Subscribe

IN_FLIGHT = 256  # enough for commits that hardly count, and little to hold in memory
AUTH_SECONDS = 10.0

BINARY = Rejected(Code.INVALID, "binary frames say nothing here: send text")
MISTAKE = Rejected(Code.INTERNAL, "the service made a mistake")

log = structlog.get_logger(__name__)


class Session:
    """What a connection means to the service: the receiver of what its client sends."""

    is_stream = False

    __slots__ = (
        "_asked",
        "_awaits_pong",
        "_began",
        "_connection",
        "_hearing",
        "_identity",
        "_in_flight",
        "_json_pings",
        "_lease",
        "_live",
        "_patience",
        "_tally",
    )

    def __init__(
        self,
        live: Live,
        connection: Connection,
        identity: Identity,
        lease: Lease,
        *,
        json_pings: bool = False,
    ) -> None:
        self._live = live
        self._connection = connection
        self._identity = identity
        self._lease = lease
        self._json_pings = json_pings
        self._tally = Tally(live.metrics)
        self._hearing = Hearing(
            connection,
            live.store,
            live.past,
            live.hub,
            self._tally,
            live.settings.resume_events,
        )
        self._asked: Subscribe | None = None
        self._began = time.time()
        self._in_flight = 0
        self._awaits_pong = False
        self._patience = UNTRIED

    @property
    def buffered(self) -> int:
        """How many bytes wait to be sent."""
        return self._connection.buffered

    @property
    def principal(self) -> Principal:
        """Who it is."""
        return self._identity.principal

    @property
    def is_revoked(self) -> bool:
        """Whether its token counts no more."""
        return is_revoked(self._identity, self._live.store.state)

    @property
    def is_stranger(self) -> bool:
        """Whether it has yet to say who it is; until then it hears nothing."""
        return self.principal.role is Role.ANONYMOUS and not self.is_stream

    def begin(self, asked: Subscribe | None) -> None:
        """It is connected; `asked` is what its address asks for."""
        self._live.sessions.add(self)
        self._live.keepalive.add(self._connection, self._ping)
        self._asked = asked
        if self.is_revoked:  # while the handshake was answered
            self.close(closing.REVOKED, "the token has been revoked")
        elif not self.is_stranger:
            self._welcome()

    def received(self, message: str | bytes) -> None:
        """Take one message of the client's."""
        if isinstance(message, bytes):
            self._tally.received("invalid", len(message))
            self._refuse_message(BINARY, None)
            return
        try:
            incoming = codec.decode_message(message)
        except Rejected as refusal:
            self._tally.received("invalid", len(message))
            self._refuse_message(refusal, codec.id_of(message))
            return
        self._tally.received(incoming.type, len(message))
        try:
            self._take(incoming)
        except Rejected as refusal:
            self._refuse(refusal)
        except Goodbye as goodbye:
            self.close(goodbye.code, goodbye.reason)

    def writable(self) -> None:
        """What waited to be sent has been taken."""
        self._hearing.writable()

    def closed(self, code: int) -> None:
        """The connection is over."""
        self._hearing.stop()
        self._live.sessions.remove(self)
        self._live.keepalive.remove(self._connection)
        self._lease.release()
        if code == closing.TOO_SLOW:
            self._live.metrics.dropped_client("too_slow")
        by = self.principal
        self._tally.closed(code, address=self._lease.address, by=by.name, role=by.role)

    # When it has to go

    @property
    def ends(self) -> float:
        """When its time is over, in seconds since 1970; infinity for one that may stay."""
        if self.is_stranger:
            return self._began + AUTH_SECONDS
        return math.inf if self._identity.expires is None else self._identity.expires

    def expire(self) -> None:
        """Close it, for its time is over."""
        if self.is_stranger:
            self.close(closing.EXPIRED, "nobody said who this is: send auth")
        else:
            self.close(closing.EXPIRED, "the token has expired: renew it")

    def close(self, code: int, reason: str) -> None:
        """Say goodbye."""
        self._hearing.stop()
        self._connection.close(code, reason)

    def _ping(self) -> None:
        """Ask whether the client is there, in the way that it has asked for."""
        if self._json_pings:
            self._awaits_pong = True
            self._say(PING)
        else:
            self._connection.ping()

    # What it asks for

    def _take(self, message: Command | Subscribe | Auth | Ping | Pong) -> None:
        match message:
            case Pong():  # it says nothing, and so ends no row of what cannot be read
                self._heard_pong()
                return
            case Command():
                self._submit(message)
            case Ping():
                self._live.limits.message(self._lease)
                self._say(PONG)
            case Subscribe():
                self._live.limits.message(self._lease)
                self._subscribe(message)
            case Auth():
                self._live.limits.message(self._lease)
                self._authenticate(message.token)
        self._patience = self._patience.after_valid()

    def _heard_pong(self) -> None:
        """One is the answer to a ping; any other is counted as a message."""
        if self._awaits_pong:
            self._awaits_pong = False
        else:
            self._live.limits.message(self._lease)

    def _submit(self, message: Command) -> None:
        self._in_flight += 1
        if self._in_flight == IN_FLIGHT:
            self._connection.pause_reading()
        self._live.door.submit(
            message.action,
            by=self.principal,
            address=self._lease.address,
            id=message.id,
            then=partial(self._answered, message.id),
        )

    def _answered(self, id: str | None, answer: asyncio.Future[Outcome]) -> None:
        if self._in_flight == IN_FLIGHT:
            self._connection.resume_reading()
        self._in_flight -= 1
        match answer.exception():
            case None:
                self._acknowledge(id, answer.result())
            case Rejected() as refusal:
                self._hearing.answer(Message(codec.error_message(refusal, id)))
                self._slow_down(refusal)
            case fault:
                log.error("a command failed", exc_info=fault)
                self._hearing.answer(Message(codec.error_message(MISTAKE, id)))

    def _acknowledge(self, id: str | None, outcome: Outcome) -> None:
        if id is not None:
            ack = codec.ack_message(id, outcome.seq, duplicate=outcome.duplicate)
            self._hearing.answer(Message(ack))

    def _say(self, message: Message) -> None:
        self._tally.answered(message.type, len(message))
        self._connection.write(message)

    def _subscribe(self, asked: Subscribe) -> None:
        if self.is_stranger:
            raise Rejected(Code.UNAUTHENTICATED, "say who you are: send auth before subscribe")
        self._hearing.listen(self.principal, asked)

    def _authenticate(self, token: str) -> None:
        """Log in, or stay: as the same principal, whose role may be another now."""
        live, was = self._live, self.principal
        identity = identified(lambda: live.authenticator.identify(token, live.store.state))
        if not self.is_stranger and identity.principal.name != was.name:
            raise Rejected(Code.FORBIDDEN, f"this connection is {was.name}'s: open another one")
        admit(self._lease, identity)
        self._identity = identity
        live.sessions.add(self)
        if was.role is Role.ANONYMOUS:
            self._welcome()
        elif was != identity.principal:
            self._hearing.rename(identity.principal)

    def _welcome(self) -> None:
        if self._asked is not None:
            self._hearing.listen(self.principal, self._asked, is_present=not self.is_stream)
        else:
            self._hearing.listen_to_all(self.principal)

    def _refuse_message(self, refusal: Rejected, id: str | None) -> None:
        """A message that could not be read: too many of them end the connection."""
        self._say(Message(codec.error_message(refusal, id)))
        self._bear(self._patience.after_invalid())

    def _refuse(self, refusal: Rejected) -> None:
        self._say(Message(codec.error_message(refusal, None)))
        self._slow_down(refusal)

    def _slow_down(self, refusal: Rejected) -> None:
        """Send somebody away who does not stop being too fast."""
        if refusal.code is Code.RATE_LIMITED:
            self._bear(self._patience.after_limited(time.monotonic()))

    def _bear(self, patience: Patience) -> None:
        self._patience = patience
        if goodbye := patience.end:
            self.close(goodbye.code, goodbye.reason)
