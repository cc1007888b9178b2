"""What one client hears: its topics, what it missed, and then everything as it happens."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Sequence

import structlog

from app.access.store import AppStore
from app.access.subscription import Audience, Position, answer, audience
from app.core.principal import Principal
from app.core.rejected import Rejected
from app.live import closing
from app.live.hub import Hub
from app.live.message import Message, bundled
from app.live.past import PAGE_ENTRIES, Past
from app.live.port import HIGH_WATER_BYTES, Connection
from app.live.recent import Heard
from app.observe.connections import Tally
from app.wire import codec
from app.wire.protocol import Subscribe

HELD_ANSWERS = 4096

log = structlog.get_logger(__name__)


class Hearing:
    """A client that listens; it hears nothing before `listen` was called."""

    __slots__ = (
        "_audience",
        "_catching_up",
        "_held",
        "_hub",
        "_past",
        "_resume_events",
        "_room",
        "_store",
        "_tally",
        "connection",
    )

    def __init__(
        self,
        connection: Connection,
        store: AppStore,
        past: Past,
        hub: Hub,
        tally: Tally,
        resume_events: int,
    ) -> None:
        """`resume_events` is how far back the log is read for a client that was away."""
        self.connection = connection
        self._store = store
        self._past = past
        self._hub = hub
        self._tally = tally
        self._resume_events = resume_events
        self._audience: Audience | None = None
        self._catching_up: asyncio.Task[None] | None = None
        self._held: list[Message] = []
        self._room: asyncio.Event | None = None

    def count(self, messages: int, size: int) -> None:
        """So many messages, of so many bytes, went to this client."""
        self._tally.sent(size, messages)

    def answer(self, message: Message) -> None:
        """Say something to this client alone, after everything that happened before."""
        if self._catching_up is not None:
            self._held.append(message)
            if len(self._held) == HELD_ANSWERS:
                self.connection.close(closing.TOO_SLOW, "too slow: resume")
        else:
            self._hub.answer(self, message)

    def listen(self, principal: Principal, asked: Subscribe, *, is_present: bool = True) -> None:
        """Hear this from now on, after what was missed; raises Rejected for an unknown topic."""
        hearers = audience(principal, asked)._replace(is_present=is_present)
        self._leave()
        position = Position(self._store.seq, self._store.epoch, self._resume_events)
        subscribed = answer(hearers, asked, position)
        after = asked.since if subscribed.recovered else position.seq
        said = Message(codec.subscribed_message(subscribed), after)
        self._tally.answered(said.type, len(said))
        self.connection.write(said)
        if asked.since is not None:
            self._tally.resumed(self._how(asked.since) if subscribed.recovered else "miss")
        self._audience = hearers
        if subscribed.recovered and asked.since is not None and asked.since < position.seq:
            self._catching_up = asyncio.create_task(self._catch_up(asked.since), name="catching up")
            self._catching_up.add_done_callback(self._caught_up)
        else:
            self._hub.join(self, hearers)
            self._say_what_was_held()

    def listen_to_all(self, principal: Principal) -> None:
        """Hear every durable event that the principal may hear, from now on."""
        self._audience = Audience(principal, None)
        self._hub.join(self, self._audience)

    def rename(self, principal: Principal) -> None:
        """The same topics, but as somebody who may hear more, or less."""
        if self._audience is None:
            return
        renamed = self._audience._replace(principal=principal)
        if self._catching_up is None:
            self._hub.leave(self, self._audience)
            self._hub.join(self, renamed)
        self._audience = renamed

    def stop(self) -> None:
        """Hear no more, and be answered now: whoever stops says goodbye next."""
        self._leave()
        self._say_what_was_held()
        self._hub.flush()

    def writable(self) -> None:
        """What waited to be sent has been taken."""
        if self._room is not None:
            self._room.set()

    def _leave(self) -> None:
        """Hear no more; what is held may have to wait for what is heard next."""
        if self._catching_up is not None:
            self._catching_up.remove_done_callback(self._caught_up)
            self._catching_up.cancel()
            self._catching_up = None
        elif self._audience is not None:
            self._hub.leave(self, self._audience)
        self._audience = None

    async def _catch_up(self, since: int) -> None:
        """Tell every event after the position, in order, and hear what happens then."""
        position = since
        while position < self._store.seq:
            events, position = await self._events_after(position)
            await self._past.turn()
            for piece in bundled(self._heard_here(events)):
                for message in piece.parts:
                    self._tally.answered(message.type, len(message))
                self.connection.write(piece)
                await self._have_room()
        # Nothing was awaited since the position was looked at: no event lies in between.
        if self._audience:
            self._hub.join(self, self._audience)
        self._catching_up = None
        self._say_what_was_held()

    def _heard_here(self, events: Iterable[Heard]) -> Iterator[Message]:
        for heard in events:
            if self._audience and self._audience.hears(heard.topic, ephemeral=False):
                yield heard.message

    def _how(self, since: int) -> str:
        return "log" if self._hub.recent.after(since) is None else "ring"

    async def _events_after(self, position: int) -> tuple[Sequence[Heard], int]:
        """Events after a position, and where they end: the last ones, or those of the log."""
        kept = self._hub.recent.after(position)
        if kept is None:
            return await self._past.after(position)
        if len(kept) <= PAGE_ENTRIES:
            return kept, self._store.seq
        page = kept[:PAGE_ENTRIES]
        return page, page[-1].seq or position  # what is kept has a position

    async def _have_room(self) -> None:
        while self.connection.buffered > HIGH_WATER_BYTES:
            self._room = asyncio.Event()
            await self._room.wait()
            self._room = None  # it is bigger than all the rest of an idle client's
            await self._past.turn()

    def _say_what_was_held(self) -> None:
        held, self._held = self._held, []
        for message in held:
            self._hub.answer(self, message)

    def _caught_up(self, task: asyncio.Task[None]) -> None:
        if task.cancelled():
            return
        match task.exception():
            case None:
                pass
            case Rejected(message=problem):
                log.warning("a client could not be told what it missed", problem=problem)
                self._give_up("the event log cannot be read: resume")
            case fault:
                log.error("a client could not be told what it missed", exc_info=fault)
                self._give_up("the service made a mistake: resume")

    def _give_up(self, reason: str) -> None:
        """Send the client away, once it was told what its commands have led to."""
        self.stop()
        self.connection.close(closing.MISTAKE, reason)
