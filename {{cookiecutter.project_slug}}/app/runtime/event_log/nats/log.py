"""The event log in NATS JetStream, on one server or replicated over several."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress

import structlog
from nats.aio.msg import Msg

from app.core.rejected import StartRefused
from app.runtime.event_log.announcements import Announcements, require_announceable
from app.runtime.event_log.growth import Growth
from app.runtime.event_log.nats.address import address_of
from app.runtime.event_log.nats.commits import Commit, Commits
from app.runtime.event_log.nats.connection import Connection, Unanswered, Unauthorized, Unserved
from app.runtime.event_log.nats.leases import RENEWALS_KEPT, NatsLeases
from app.runtime.event_log.nats.line import Line
from app.runtime.event_log.nats.snapshots import NatsSnapshots
from app.runtime.event_log.nats.stream import TOLD, Stream, WrongSequence, stored_of
from app.runtime.event_log.port import (
    AnswerLost,
    Conflict,
    Entry,
    LogUnavailable,
    Row,
    Snapshot,
    TooLarge,
)

# From here on a new leader answers only when it knows all that was stored before.
OLDEST = (2, 11)
TRIES, SECONDS_BETWEEN_TRIES = 50, 0.01

log = structlog.get_logger(__name__)


class NatsLog:
    """One stream, in which each append is one message: so it is stored whole or not at all.

    A message is stored only after the one that is expected to be the last. The stream's leader
    says where the log ends; what lies before that comes from any replica, for it does not change.
    A server that is the leader no more, and does not know it yet, may leave out the newest for some
    seconds, but nothing that this node has seen, and it cannot store anything.
    """

    is_shared = True

    def __init__(self, url: str) -> None:
        """Raises StartRefused when this is no address of a NATS server."""
        self._address = address_of(url)
        self.epoch = ""
        self._line = Line(self._address, self._greet)
        name = self._address.stream
        self._stream = Stream(self._line, name, is_told=True)
        self._commits = Commits(self._stream)
        leases = Stream(self._line, f"{name}_leases")
        snapshots = Stream(self._line, f"{name}_snapshots", has_parts=True)
        self._leases, self._snapshots = NatsLeases(leases), NatsSnapshots(snapshots)
        self._aside = leases, snapshots
        self._growth, self._announcements = Growth(), Announcements()
        self._turn = asyncio.Lock()
        # The sequence that an append expected whose answer was lost, and who looks for its end.
        self._doubt: int | None = None
        self._doubting = asyncio.Lock()

    async def connect(self) -> None:
        """Reach a server, and make the streams when there are none; raises LogUnavailable."""
        try:
            await self._line.connection()
        except Unauthorized as problem:
            words = "look at the user and the password in APP_EVENT_LOG"
            raise StartRefused(f"{problem}; {words}") from None
        # The first message, so that a log that looks empty is never taken for one.
        if await self._stream.last() is None:
            with suppress(WrongSequence):  # another node was faster
                await self._commits.publish(0, (), expected=0)
        await self._commits.look()

    async def append(self, expected: int, entries: Sequence[Entry]) -> None:
        """Store all entries or none, durably; raises Conflict unless the log ends at `expected`."""
        async with self._turn:
            await self._end_doubt()
            last = self._commits.last
            for _ in range(TRIES):
                if last.end != expected or self._commits.lacks:
                    last = await self._commits.look()
                if last.end != expected:
                    raise Conflict(f"the log ends at {last.end}, not at {expected}")
                try:
                    self._grown(await self._publish(entries, last.sequence))
                except WrongSequence:
                    last = await self._commits.look()
                    if await self._has(entries, last):
                        self._grown(Commit(last.sequence, entries[-1].position, entries))
                        return
                    if last.end == expected:  # another node is just about to be faster
                        await asyncio.sleep(SECONDS_BETWEEN_TRIES)
                else:
                    return
        raise LogUnavailable(self._line.words("an append of another node does not end"))

    async def read(self, after: int, limit: int) -> Sequence[Entry]:
        """At most `limit` entries from the one after position `after`; raises LogUnavailable."""
        await self._end_doubt()
        last = await self._commits.look()
        return await self._commits.read(after, limit, last) if last.end > after else ()

    async def end(self) -> int:
        """The position of the last entry; raises LogUnavailable."""
        await self._end_doubt()
        return (await self._commits.look()).end

    def tail(self, after: int) -> AsyncIterator[Sequence[Entry]]:
        """Every entry after a position, as they are appended by whatever node."""
        return self._growth.tail(self.read, after)

    async def save_snapshot(
        self, position: int, fingerprint: str, rows: AsyncIterator[Sequence[Row]]
    ) -> None:
        """Store a snapshot in place of the one before; raises LogUnavailable."""
        await self._snapshots.save(position, fingerprint, rows)

    async def load_snapshot(self, fingerprint: str | None) -> Snapshot | None:
        """The snapshot, if there is one and this fingerprint is its own, or None is given."""
        return await self._snapshots.load(fingerprint)

    async def claim(self, name: str, seconds: float) -> int | None:
        """Take or renew the lease of this name; its term, or None: another has it."""
        return await self._leases.claim(name, seconds)

    async def release(self, name: str) -> None:
        """Let another node have the lease at once, if this one has it; raises LogUnavailable."""
        await self._leases.release(name)

    async def announce(self, text: str) -> None:
        """Tell all other nodes, those that are connected now; raises LogUnavailable."""
        data = require_announceable(text)
        connection = await self._line.connection()
        if len(data) > connection.most_bytes:
            raise TooLarge(f"the server takes {connection.most_bytes} bytes, not {len(data)}")
        try:
            await connection.tell(self._stream.beside("announced"), data)
        except LogUnavailable as problem:
            raise LogUnavailable(self._line.words(problem)) from None

    def announcements(self) -> AsyncIterator[str]:
        """What other nodes announce from now on."""
        return self._announcements.from_now_on()

    async def close(self) -> None:
        """End the connection."""
        await self._line.close()

    async def _publish(self, entries: Sequence[Entry], expected: int) -> Commit:
        try:
            return await self._commits.publish(entries[-1].position, entries, expected)
        except Unanswered as problem:
            self._doubt = expected
            raise AnswerLost(str(problem)) from None
        except asyncio.CancelledError:
            self._doubt = expected
            raise

    async def _has(self, entries: Sequence[Entry], last: Commit) -> bool:
        """Whether these are stored though a server says no: one that leads no more, unawares."""
        if last.end < entries[-1].position:
            return False
        (found,) = await self._commits.read(entries[0].position - 1, 1, last)
        return found.command == entries[0].command

    async def _end_doubt(self) -> None:
        """See to it that an append whose answer was lost is there by now, or never comes.

        It expected the stream to end at a sequence. So it is over as soon as anything has come
        after that one; a message without entries does, when nothing else has.
        """
        if self._doubt is None:
            return
        async with self._doubting:
            for _ in range(TRIES):
                if self._doubt is None:
                    return
                last = await self._commits.look()
                if last.sequence <= self._doubt:
                    try:
                        await self._commits.publish(last.end, (), expected=last.sequence)
                    except WrongSequence:  # it is under way in the servers, and ends there
                        await asyncio.sleep(SECONDS_BETWEEN_TRIES)
                        continue
                self._doubt = None
        if self._doubt is not None:
            raise LogUnavailable(self._line.words("an append does not end"))

    async def _greet(self, connection: Connection) -> None:
        """See that a new connection leads to the same log, made when absent, and listen there."""
        if connection.version < OLDEST:
            words = f"the server is older than {OLDEST[0]}.{OLDEST[1]}"
            raise StartRefused(self._line.words(words))
        try:
            epoch = await self._found_epoch(connection)
        except Unserved as problem:
            if self.epoch or connection.has_jetstream:
                raise
            words = "start nats-server with --jetstream, or switch it on in its configuration"
            raise StartRefused(f"{problem}: {words}") from None
        if self.epoch and epoch != self.epoch:
            raise StartRefused(self._line.words("it was replaced by another log"))
        self.epoch = epoch
        await connection.subscribe(self._stream.beside(TOLD), self._stored)
        await connection.subscribe(self._stream.beside("announced"), self._announced)
        self._growth.told()  # of what was not heard

    async def _found_epoch(self, connection: Connection) -> str:
        copies = {"num_replicas": self._address.replicas}
        only_grows = {"deny_delete": True, "deny_purge": True}
        new = secrets.token_hex(8)
        epoch = await self._stream.made(connection, new, only_grows | copies)
        if self.epoch:
            return epoch
        if self._stream.replicas != self._address.replicas:
            asked, found = self._address.replicas, self._stream.replicas
            log.warning("the stream has another number of replicas", asked=asked, found=found)
        few = {"max_msgs": RENEWALS_KEPT, "discard": "old"}
        for stream, settings in zip(self._aside, (few, {}), strict=True):
            if await stream.made(connection, epoch, settings | copies) != epoch:
                words = f"the stream {stream.name} was made for another log: delete it"
                raise StartRefused(self._line.words(words))
        return epoch

    def _stored(self, message: Msg) -> None:
        self._grown(self._commits.know(stored_of(message)))

    def _announced(self, message: Msg) -> None:
        self._announcements.hear(message.data.decode())

    def _grown(self, commit: Commit) -> None:
        """Wake whoever reads the tail, once for each commit: it comes back, and is told of, too."""
        if commit.entries and commit.end > self._growth.end:
            self._growth.appended(commit.entries)
