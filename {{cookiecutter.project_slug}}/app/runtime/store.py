"""The Store: one owner of the State, through which every command goes.

Decide, evolve, append, publish, broadcast, perform: a command is decided on the State that its
predecessors leave, its events are applied to a State that nobody sees yet, and only when they
are durable is that State shown, the events broadcast and their effects performed.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from itertools import count
from random import Random, SystemRandom
from typing import Generic

import structlog

from app.core.ports import Ports
from app.core.principal import Principal
from app.core.rejected import Code, Rejected
from app.runtime.broadcast import Broadcast, Listener, Subscription
from app.runtime.decide import Decider, Happened, Note, Request
from app.runtime.effects import Performer
from app.runtime.event_log.port import AnswerLost, Conflict, Entry, EventLog, LogFull
from app.runtime.group import Outcome, Verdict, Waiting, decide_group
from app.runtime.pending import Pending, Turn
from app.runtime.replay import catch_up, read_command, read_events, replay
from app.runtime.retry import RetryPolicy
from app.runtime.rules import Command, Event, Rules, State
from app.runtime.snapshot import save_snapshot

WAITING_COMMANDS = 10_000
COMMANDS_A_COMMIT = 512
FULL_DISK_SECONDS = 5
CONFLICTS = 5
GRACE_SECONDS = 5.0
SNAPSHOT_ENTRIES = 100_000
SNAPSHOT_ENTRIES_AT_CLOSE = 1_000

UNSURE = Rejected(Code.UNAVAILABLE, "the event log failed; look before sending it again")
STOPPING = Rejected(Code.UNAVAILABLE, "the service is stopping")
CONTENDED = Rejected(Code.UNAVAILABLE, "others write to the event log all the time", retry_after=1)
BUSY = Rejected(Code.UNAVAILABLE, f"{WAITING_COMMANDS} commands are waiting already", retry_after=1)

log = structlog.get_logger(__name__)


def wall_clock() -> int:
    """The time in microseconds since 1970, UTC."""
    return time.time_ns() // 1000


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
) -> AsyncIterator[Store[State, Command, Event]]:
    """A Store with the State that its log says, for as long as the context lasts.

    Raises StartRefused for a log that cannot be read. If the log fails later on, the context is
    cancelled: what was stored is unsure then, and only a new start can tell.
    """
    policy, chance = policy or RetryPolicy(), chance or SystemRandom()
    store = Store(event_log, rules, ports, policy=policy, clock=clock, chance=chance)
    await store.replay()
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
    ) -> None:
        self._log = event_log
        self._rules = rules
        self._clock = clock
        self._chance = chance
        self._decider = Decider(rules, event_log.epoch)
        self._head = self._decider.start()
        self._broadcast: Broadcast[Event] = Broadcast()
        self._performer: Performer[State, Command, Event] = Performer(
            self, ports, policy=policy, chance=chance
        )
        self._waiting: deque[Waiting[State, Command, Event]] = deque()
        self._wake = asyncio.Event()
        self._keys = (f"{chance.getrandbits(64):016x}-{number}" for number in count(1))
        self._open = False
        self._closing = False
        self._ended = asyncio.Event()
        self._tasks: asyncio.TaskGroup | None = None
        self._saving: asyncio.Task[None] | None = None
        self._saved = 0

    @property
    def state(self) -> State:
        """The State now: an immutable value, whose every event is durable."""
        return self._head.state

    @property
    def seq(self) -> int:
        """The position in the log that the State belongs to."""
        return self._head.position

    @property
    def epoch(self) -> str:
        """The name of this log's positions; another log has another."""
        return self._log.epoch

    @property
    def is_open(self) -> bool:
        """Whether commands are taken."""
        return self._open

    @property
    def listeners(self) -> list[Listener[Event]]:
        """Called at once with everything that happens; they must neither wait nor raise."""
        return self._broadcast.listeners

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
        self, command: Command, *, by: Principal, id: str | None = None
    ) -> asyncio.Future[Outcome[State, Event]]:
        """Queue the command behind all that came before it; the future is what `dispatch` gives."""
        return self._admit(Request(command, by, self.new_key(), id))

    def subscribe(
        self, after: int | None = None, topics: Iterable[str] | None = None
    ) -> Subscription[Event]:
        """Every event after a position, or from now on, of these topics, or of all.

        An async iterator in an async context: `async with store.subscribe() as events`.
        """
        names = None if topics is None else frozenset(topics)
        return Subscription(self._broadcast, self._read_events, after, names)

    def dead_letters(self) -> Sequence[tuple[str, Pending[Command]]]:
        """Effects that have failed for good, by origin, oldest first."""
        dead = self._head.effects.dead
        return [(origin, self._head.effects.pending[origin]) for origin in dead]

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
        return next(self._keys)

    def pending(self, origin: str) -> Pending[Command] | None:
        """The effect, unless it has ended."""
        return self._head.effects.pending.get(origin)

    def enqueue(self, request: Request[Command] | Note) -> asyncio.Future[Outcome[State, Event]]:
        """Decide this after all that waits, whether or not clients are still served."""
        waiting = self._waiting_for(request)
        if self._ended.is_set():
            waiting.refuse(STOPPING)
        else:
            self._waiting.append(waiting)
            self._wake.set()
        return waiting.answer

    # Its life

    async def replay(self) -> None:
        """Rebuild the State from the log; raises StartRefused at an entry that cannot be read."""
        self._head = await replay(self._log, self._decider)
        self._broadcast.seq = self._saved = self._head.position

    def start(self, tasks: asyncio.TaskGroup) -> None:
        """Take commands and perform effects, in tasks that the group owns."""
        self._open = True
        self._tasks = tasks
        tasks.create_task(self._run(), name="store")
        self._performer.start(tasks, self._head.effects.pending)

    async def close(self, grace_seconds: float) -> None:
        """Take no more commands, finish what can be finished in so many seconds, and end.

        What waits is still decided; effects that have not ended go on at the next start.
        """
        self._open = False
        await self._performer.stop(grace_seconds)
        self._closing = True
        self._wake.set()
        await self._ended.wait()

    async def _run(self) -> None:
        """Commit what waits, group by group, until the Store is closed and nothing waits."""
        try:
            while group := await self._next_group():
                await self._commit(group)
                self._save_in_time()
            await self._save_at_the_end()
        finally:
            self._open = False
            self._ended.set()
            _refuse_all(self._waiting, UNSURE)
            self._broadcast.end()

    def _admit(self, request: Request[Command] | Note) -> asyncio.Future[Outcome[State, Event]]:
        """Decide this for somebody outside, if there is room."""
        if self._open and len(self._waiting) < WAITING_COMMANDS:
            return self.enqueue(request)
        waiting = self._waiting_for(request)
        waiting.refuse(BUSY if self._open else STOPPING)
        return waiting.answer

    def _waiting_for(self, request: Request[Command] | Note) -> Waiting[State, Command, Event]:
        return Waiting(request, asyncio.get_running_loop().create_future())

    async def _next_group(self) -> list[Waiting[State, Command, Event]]:
        while not self._waiting and not self._closing:
            self._wake.clear()
            await self._wake.wait()
        size = min(len(self._waiting), COMMANDS_A_COMMIT)
        return [self._waiting.popleft() for _ in range(size)]

    async def _commit(self, group: list[Waiting[State, Command, Event]]) -> None:
        """Decide a group and store what it leads to, all of it or nothing."""
        try:
            verdict = await self._stored(group)
        except Rejected as refusal:
            _refuse_all(group, refusal)
            return
        except BaseException:
            _refuse_all(group, UNSURE)
            raise
        self._head = verdict.head
        self._broadcast.tell(verdict.events, verdict.head.position)
        await self._answer(verdict)
        self._performer.cancel(verdict.cancelled)
        self._performer.begin(verdict.begun)

    async def _stored(
        self, group: list[Waiting[State, Command, Event]]
    ) -> Verdict[State, Command, Event]:
        """What the group leads to, and it is stored; raises Rejected if it could not be."""
        for conflicts in range(CONFLICTS):
            if conflicts > 1:
                await asyncio.sleep(self._chance.uniform(0, 0.01 * 2**conflicts))
            now = max(self._head.time, self._clock())
            verdict = decide_group(self._decider, self._head, group, now)
            try:
                if not verdict.entries or await self._append(verdict.entries):
                    return verdict
            except Conflict:
                await self._catch_up()
            except LogFull as problem:
                log.error("nothing was stored", problem=str(problem))
                full = Rejected(Code.UNAVAILABLE, str(problem), retry_after=FULL_DISK_SECONDS)
                raise full from problem
        raise CONTENDED

    async def _append(self, entries: Sequence[Entry]) -> bool:
        """Whether the entries are stored; an append whose answer was lost is looked up."""
        try:
            await self._log.append(self._head.position, entries)
        except AnswerLost:
            found = await self._log.read(self._head.position, 1)
            if not found:
                return False
            if found[0].command != entries[0].command:
                raise Conflict("somebody else was faster") from None
        return True

    async def _catch_up(self) -> None:
        """Apply what others have stored."""
        async for decision in catch_up(self._log, self._decider, self._head):
            self._head = decision.head
            self._broadcast.tell(decision.events, decision.head.position)
            self._performer.cancel(decision.cancelled)
            self._performer.begin(decision.begun)

    async def _answer(self, verdict: Verdict[State, Command, Event]) -> None:
        for waiting, decision in verdict.accepted:
            if decision.repeats is None:
                head = decision.head
                waiting.accept(Outcome(decision.events, head.position, head.state))
            elif isinstance(waiting.request, Request):
                await self._answer_again(waiting, waiting.request, decision.repeats)
        for waiting, refusal in verdict.refused:
            waiting.refuse(refusal)

    async def _answer_again(
        self, waiting: Waiting[State, Command, Event], request: Request[Command], first: int
    ) -> None:
        """What was answered when the command was sent first, if it is the same command."""
        entries = await read_command(self._log, first)
        action = entries[0].action
        if action is None or self._rules.decode_command(action) != request.command:
            words = f"the id {request.id} was given to another command"
            waiting.refuse(Rejected(Code.ID_REUSED, words))
            return
        events = [
            self._decider.happened(entry, entry.event)
            for entry in entries
            if entry.event is not None
        ]
        waiting.accept(Outcome(events, entries[-1].position, self._head.state, duplicate=True))

    async def _read_events(self, after: int, limit: int) -> tuple[Sequence[Happened[Event]], int]:
        return await read_events(self._log, self._decider, after, limit)

    def _save_in_time(self) -> None:
        """Begin a snapshot when the last one is so old that a start from it would take long."""
        is_idle = self._saving is None or self._saving.done()
        # A share of the log, so that snapshots of a State that grows do not take ever more time.
        enough = max(SNAPSHOT_ENTRIES, self._head.position // 4)
        if is_idle and self._tasks and self._head.position - self._saved >= enough:
            self._saving = self._tasks.create_task(self._save(), name="snapshot")

    async def _save_at_the_end(self) -> None:
        if self._saving is not None:
            await self._saving
        if self._head.position - self._saved >= SNAPSHOT_ENTRIES_AT_CLOSE:
            await self._save()

    async def _save(self) -> None:
        head = self._head
        self._saved = head.position
        try:
            await save_snapshot(self._log, self._rules, head)
        except LogFull as problem:  # the log has it all: a start takes longer, that is all
            log.warning("no snapshot was saved", problem=str(problem))


def _refuse_all(group: Iterable[Waiting[State, Command, Event]], refusal: Rejected) -> None:
    for waiting in group:
        waiting.refuse(refusal)
