"""The Store: one owner of the State, through which every command goes.

Decide, evolve, append, publish, broadcast, perform: a command is decided on the State that its
predecessors leave, its events are applied to a State that nobody sees yet, and only when they
are durable is that State shown, the events broadcast and their effects performed.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from functools import partial
from itertools import count, islice
from random import Random, SystemRandom
from typing import TYPE_CHECKING, Generic

import structlog

from app.core.ports import Ports
from app.core.principal import Principal
from app.core.rejected import Code, Rejected
from app.runtime.broadcast import Broadcast, Listener, Subscription
from app.runtime.clock import Clock, wall_clock
from app.runtime.commit import UNSURE, Appends, Commits, unavailable
from app.runtime.decide import Decider
from app.runtime.decision import Happened, Note, Request
from app.runtime.effects import Performer
from app.runtime.event_log.port import EventLog, LogUnavailable
from app.runtime.group import Outcome, Then, Verdict
from app.runtime.head import Head
from app.runtime.nodes import Nodes
from app.runtime.pending import Pending, Turn
from app.runtime.queue import BUSY, Queue
from app.runtime.replay import SECONDS_BETWEEN_TRIES, Unreadable, read_events, replay
from app.runtime.reports import Reports
from app.runtime.retry import RetryPolicy
from app.runtime.rules import Command, Event, Rules, State
from app.runtime.snapshot import Snapshots

if TYPE_CHECKING:  # traces are an extra
    from app.runtime.traced import Traces

GRACE_SECONDS = 5.0
# What waits for a log that does not answer is given up so long after that.
LAST_SECONDS = 5.0

log = structlog.get_logger(__name__)

STOPPING = Rejected(Code.UNAVAILABLE, "the service is stopping")


@asynccontextmanager
async def open_store(
    event_log: EventLog,
    rules: Rules[State, Command, Event],
    ports: Ports,
    *,
    policy: RetryPolicy | None = None,
    clock: Callable[[], int] = wall_clock,
    chance: Random | None = None,
    grace_seconds: float = GRACE_SECONDS,
    traces: Traces | None = None,
    appends: Appends | None = None,
) -> AsyncIterator[Store[State, Command, Event]]:
    """A Store with the State that its log says, for as long as the context lasts.

    Raises StartRefused for a log that cannot be read. If the log fails later on, or is found to be
    another, the context is cancelled: what is stored is unsure then, and only a new start can tell.
    """
    policy, chance = policy or RetryPolicy(), chance or SystemRandom()
    store = Store(
        event_log,
        rules,
        ports,
        policy=policy,
        clock=clock,
        chance=chance,
        traces=traces,
        appends=appends,
    )
    await store.replay()
    if traces is not None:
        await traces.replayed(store.head.effects.pending)
    async with asyncio.TaskGroup() as tasks:
        store.start(tasks)
        try:
            yield store
        finally:
            await store.close(grace_seconds)


class Store(Generic[State, Command, Event]):
    """Decides commands in the order in which they came, many in one commit when they wait."""

    def __init__(
        self,
        event_log: EventLog,
        rules: Rules[State, Command, Event],
        ports: Ports,
        *,
        policy: RetryPolicy,
        clock: Callable[[], int],
        chance: Random,
        traces: Traces | None = None,
        appends: Appends | None = None,
    ) -> None:
        self._log = event_log
        self._traces = traces
        self._loop = asyncio.get_running_loop()
        self._clock = Clock(clock, self._loop.time)
        self._decider = Decider(rules)
        self._commits = Commits(
            event_log,
            self._decider,
            clock=self._clock,
            chance=chance,
            moved_on=self._moved_on,
            appends=appends,
        )
        self._broadcast: Broadcast[Event] = Broadcast(rules.intervals)
        asked = self if traces is None else traces.around(self)
        self._new_performer = partial(
            Performer[Command], asked, ports, policy=policy, chance=chance
        )
        self._performer = self._new_performer()
        self._nodes = Nodes(
            event_log, wake=self._wake_up, ended=self._abandon_effects, hear=self._heard_ephemeral
        )
        self._wake = asyncio.Event()
        self._queue: Queue[State, Command, Event] = Queue(self._wake_up)
        self._life = f"{chance.getrandbits(64):016x}"
        self._keys = count(1)
        self._open = False
        self._stopping = False
        self._closing = False
        self._ended = asyncio.Event()
        self._running: asyncio.Task[None] | None = None
        self._snapshots = Snapshots(event_log, rules)

    @property
    def head(self) -> Head[State, Command]:
        """All that the log says now: an immutable value."""
        return self._commits.head

    @property
    def state(self) -> State:
        """The State now: an immutable value, whose every event is durable."""
        return self.head.state

    @property
    def seq(self) -> int:
        """The position in the log that the State belongs to."""
        return self.head.position

    @property
    def epoch(self) -> str:
        """The name of this log's positions; another log has another."""
        return self._log.epoch

    @property
    def is_open(self) -> bool:
        """Whether commands are taken."""
        return self._open

    @property
    def has_ended(self) -> bool:
        """Whether nothing will happen here any more: it was closed, or its version is too old."""
        return self._ended.is_set()

    @property
    def is_ready(self) -> bool:
        """Whether commands are likely to be stored: they are taken, and the log can be reached."""
        return self._open and self._nodes.is_reachable

    @property
    def performs_effects(self) -> bool:
        """Whether it is this node that performs effects: of those that share a log, one does."""
        return self._open and self._nodes.has_turn

    @property
    def listeners(self) -> list[Listener[Event]]:
        """Called at once with everything that happens; they must neither wait nor raise."""
        return self._broadcast.listeners

    @property
    def waiting(self) -> int:
        """How many commands wait to be decided."""
        return len(self._queue)

    @property
    def subscribers(self) -> int:
        """How many subscriptions there are."""
        return len(self._broadcast.subscriptions)

    async def dispatch(
        self, command: Command, *, by: Principal, id: str | None = None
    ) -> Outcome[State, Event]:
        """Decide the command and give its own events, durable and applied; or raise Rejected.

        A caller that is cancelled does not take its command back. An `id` that the same principal
        gave the same command before gives the outcome of then; for another command it is refused.
        """
        return await self.submit(command, by=by, id=id)

    def submit(
        self,
        command: Command,
        *,
        by: Principal,
        id: str | None = None,
        mark: str = "",
        then: Then[State, Event] | None = None,
    ) -> asyncio.Future[Outcome[State, Event]]:
        """Queue the command behind all that came before it; the future is what `dispatch` gives.

        A `mark` is kept in the log, as the end of the decision's key. `then` is called with the
        future when it is answered, right after the command's own events were broadcast.
        """
        return self._admit(Request(command, by, self.new_key() + mark, id), then)

    def subscribe(
        self, after: int | None = None, topics: Iterable[str] | None = None
    ) -> Subscription[Event]:
        """Every event after a position, or from now on, of these topics, or of all.

        An async iterator in an async context: `async with store.subscribe() as events`.
        """
        names = None if topics is None else frozenset(topics)
        return Subscription(self._broadcast, self.read_events, after, names)

    async def read_events(self, after: int, limit: int) -> tuple[Sequence[Happened[Event]], int]:
        """The events among the next `limit` entries after a position, and where those end.

        Raises Rejected when the log cannot be reached.
        """
        try:
            return await read_events(self._log, self._decider, after, limit)
        except LogUnavailable as problem:
            raise unavailable(problem) from problem

    def is_named(self, topic: str) -> bool:
        """Whether a subscription has asked for the topic by its name."""
        return any(subscription.names(topic) for subscription in self._broadcast.subscriptions)

    @property
    def reports(self) -> Reports:
        """What this node and others say of themselves."""
        return self._nodes.reports

    def dead_letters(
        self, after: str | None = None, most: int = 100
    ) -> Sequence[tuple[str, Pending[Command]]]:
        """Effects that have failed for good, by origin: of those after one, the first to fail."""
        effects = self.head.effects
        return [(dead, effects.pending[dead]) for dead in islice(effects.dead.after(after), most)]

    async def retry(self, origin: str, *, by: Principal) -> None:
        """Perform a dead letter anew; raises Rejected if there is none."""
        await self._admit(Note(origin, Turn.RETRIED, by, self.new_key(), dead=True))

    async def discard(self, origin: str, *, by: Principal) -> None:
        """End a dead letter unperformed; raises Rejected if there is none."""
        await self._admit(Note(origin, None, by, self.new_key(), dead=True))

    # What the performer asks for

    def now(self) -> int:
        """The time in microseconds since 1970, UTC."""
        return self._clock()

    def new_key(self) -> str:
        """A key that no other decision has."""
        return f"{self._life}-{next(self._keys)}"

    def pending(self, origin: str) -> Pending[Command] | None:
        """The effect, unless it has ended."""
        return self.head.effects.pending.get(origin)

    def enqueue(
        self, request: Request[Command] | Note, then: Then[State, Event] | None = None
    ) -> asyncio.Future[Outcome[State, Event]]:
        """Decide this after all that waits, whether or not clients are still served."""
        return self._queue.put(request, then, STOPPING if self._ended.is_set() else None)

    def _wake_up(self) -> None:
        self._wake.set()

    # Its life

    async def replay(self) -> None:
        """Rebuild the State from the log; raises Unreadable at an entry that cannot be read."""
        head, self._snapshots.saved = await replay(self._log, self._decider)
        self._commits.head = head
        self._clock.not_before(head.time)
        self._broadcast.seq = head.position

    def start(self, tasks: asyncio.TaskGroup) -> None:
        """Take commands and perform effects, in tasks that the group owns."""
        self._open = True
        self._nodes.start(tasks, self.head.position)
        self._running = tasks.create_task(self._run(tasks), name="store")

    async def close(self, grace_seconds: float) -> None:
        """Take no more commands, finish what can be finished in so many seconds, and end.

        What waits is still decided, unless the log does not answer; effects that have not ended go
        on at the next start. Whoever says it again waits for none of them, since the first time had
        all the seconds there are; nor does a Store that has ended, which stores nothing more.
        """
        self._open = False
        grace_seconds = 0 if self._stopping or self.has_ended else grace_seconds
        self._stopping = True
        try:
            async with asyncio.timeout(grace_seconds + LAST_SECONDS):
                await self._performer.stop(grace_seconds)
                self._closing = True
                self._wake.set()
                await self._ended.wait()
        except TimeoutError:
            log.error("what waits is given up: the log does not answer", waiting=len(self._queue))
            if self._running is not None:
                self._running.cancel()
            await self._ended.wait()
        await self._nodes.leave()

    async def _run(self, tasks: asyncio.TaskGroup) -> None:
        """Commit what waits, group by group, until the Store is closed and nothing waits.

        A node that cannot read what another has stored ends its work, and is no more ready: its
        version is too old.
        """
        try:
            while await self._has_work():
                await self._take_news()
                if group := self._queue.next_group(with_effects=self._nodes.has_turn):
                    await self._commits.commit(group)
                if self._queue:  # others get their turn, and what was answered leaves
                    await asyncio.sleep(0)
                if self._nodes.has_turn:
                    self._snapshots.save_if_due(self.head, tasks)
            if self._nodes.has_turn:  # beside all else: nobody waits for it but the next start
                tasks.create_task(self._snapshots.at_the_end(self.head), name="snapshot")
        except Unreadable as problem:
            log.critical("this node cannot go on: it needs the newer version", problem=str(problem))
            self._open = False
            self._abandon_effects()
            await self._nodes.leave()
        except BaseException:  # the log has failed, or the close was cut: nothing is stored now
            self._performer.abandon()
            raise
        finally:
            self._open = False
            self._ended.set()
            self._queue.refuse_all(UNSURE)
            self._broadcast.end()

    def _moved_on(self, verdict: Verdict[State, Command, Event]) -> None:
        """Broadcast what is stored, and perform what it asks for."""
        self._clock.not_before(verdict.head.time)  # another node's clock may be ahead of ours
        if self._traces is not None:
            self._traces.stored(verdict.entries)
        self._broadcast.tell(verdict.events, verdict.head.position)
        for happened in verdict.events:
            if happened.seq is None and self._is_for_all(happened.topic):
                self._nodes.tell(happened.json, happened.cause)
        self._performer.cancel(verdict.cancelled)
        self._performer.begin(verdict.begun)

    def _is_for_all(self, topic: str) -> bool:
        return topic.split(":", 1)[0] not in self._decider.rules.own_topics

    @property
    def _has_news(self) -> bool:
        return self._nodes.has_stored or self._may_begin

    @property
    def _may_begin(self) -> bool:
        """Whether it is to perform effects from now on: who is closing begins nothing."""
        return self._open and self._nodes.is_due

    async def _take_news(self) -> None:
        """Apply what other nodes have stored, and begin with the effects if it is our turn."""
        self._commits.follow(self._nodes.take_stored())
        if self._may_begin:
            performer = self._performer
            try:
                await self._commits.catch_up()  # to what the one before us has settled
            except LogUnavailable:  # the lease lapses, or the log can be reached again
                await asyncio.sleep(SECONDS_BETWEEN_TRIES)
            else:
                # Meanwhile the lease may have lapsed, and another node's turn have come and gone.
                if self._may_begin and performer is self._performer:
                    self._nodes.turn_taken()
                    performer.start(self.head.effects.pending)

    def _abandon_effects(self) -> None:
        """Another node performs them from now on; what is under way settles nothing here."""
        self._performer.abandon()
        self._performer = self._new_performer()

    def _heard_ephemeral(self, event: str, cause: str | None) -> None:
        """Another node tells of an event that is stored nowhere."""
        try:
            decoded = self._decider.rules.decode_event(event)
        except Rejected as problem:  # of another version
            log.warning("an event of another node cannot be read", problem=problem.message)
            return
        rules = self._decider.rules
        topic, json = rules.topic_of(decoded), rules.told_event(decoded, event)
        self._broadcast.tell([Happened(decoded, topic, json, None, cause)], self.seq)

    def _admit(
        self, request: Request[Command] | Note, then: Then[State, Event] | None = None
    ) -> asyncio.Future[Outcome[State, Event]]:
        """Decide this for somebody outside, if there is room."""
        refusal = BUSY if self._queue.is_full else None
        return self._queue.put(request, then, refusal if self._open else STOPPING)

    async def _has_work(self) -> bool:
        """Wait for it; False at the end, when the Store is closed and nothing waits."""
        while not (self._queue or self._closing or self._has_news):
            self._wake.clear()
            await self._wake.wait()
        return bool(self._queue) or not self._closing
