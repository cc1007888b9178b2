"""One life of the service, from its start to a crash, a stop or a failure of its disk."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import replace
from random import Random
from typing import Any, TypeAlias

from app.core.ports import Ports
from app.domain import Command, Event, State
from app.runtime.decision import MICROSECONDS
from app.runtime.event_log.port import Entry
from app.runtime.store import Store, open_store
from app.runtime.timers import LONGEST_SLEEP_SECONDS
from tests.simulation.company import Company
from tests.simulation.disk import CALM, DiskBroken, SimulatedLog
from tests.simulation.features import check_state
from tests.simulation.limits import POLICY
from tests.simulation.loop import SimulatedLoop, Stuck
from tests.simulation.pace import Pace
from tests.simulation.violation import Violation, require
from tests.simulation.world import World

TURNS = 50_000
RECOVERY = 20 * MICROSECONDS
LONGEST_SLEEP = LONGEST_SLEEP_SECONDS * MICROSECONDS
# How often something may happen to the time of the last life: else nothing would ever be on time.
LAST_TROUBLES = 3
PAUSES = 1, 10, 100

Work: TypeAlias = Callable[..., Awaitable[None]]


class Life:
    """A process: an event loop, the log and the Store on it, and whoever lives with them.

    It lasts so many seconds at most, or, the last one, until all is done. Its first failure ends
    it, whoever may have caught that.
    """

    def __init__(self, world: World, seconds: float | None) -> None:
        self.world = world
        self.chance = world.chance
        self.seconds = seconds
        self.loop = SimulatedLoop(world.chance, now=world.now, turns=TURNS)
        self.log = SimulatedLog(
            world.disk,
            world.weather,
            world.chance,
            world.met,
            self._guarded(self._asked),
            self._refused,
            self._guarded(world.replica.stored),
            self._step,
        )
        self.pace = Pace(world.wall, world.replica.heads[-1].time, world.now)
        self.stopping = asyncio.Event()
        self.steps_left = 0
        self.failure: BaseException | None = None
        self.store: Store[State, Command, Event] | None = None

    def run(self) -> None:
        """Let it live and end; raises Violation."""
        loop = self.loop
        self._spawn(self._trouble_time)
        main = loop.create_task(self._main())
        main.add_done_callback(lambda _: loop.stop())
        if self.seconds is None:
            loop.call_later(self.chance.choice((0, 5, 10)), self._clear_up)
        else:
            self._plan_end(loop.time() + self.seconds)
        try:
            loop.run_forever()
            self._check(main)
        except Stuck as problem:
            raise Violation(str(problem)) from None
        finally:
            loop.abandon()
        self.world.now = loop.time()

    def clock(self) -> int:
        """The wall clock, which somebody may set at any time."""
        return self.world.wall.at(self.loop.time())

    def earliest(self) -> int:
        """Whatever is decided now has this time or a later one."""
        return max(self.clock(), self.world.replica.heads[-1].time)

    def latest(self) -> int:
        """Whatever is decided now has this time or an earlier one."""
        return self.world.wall.furthest_at(self.loop.time())

    def _asked(self, entries: Sequence[Entry]) -> None:
        self.pace.asked(entries, self.loop.time())

    def _refused(self, entries: Sequence[Entry]) -> None:
        self.pace.refused(entries, self.loop.time())

    def _plan_end(self, at: float) -> None:
        """A crash at a moment or at a step of the disk, or a stop that may not come to its end."""
        fate = self.chance.random()
        if fate < 0.25:
            self.loop.call_at(at, self.stopping.set)
            at += self.chance.choice((0.05, 3, 1000))
        elif fate < 0.6:
            self.steps_left = self.chance.randint(1, 150)
        self.loop.call_at(at, self.loop.stop)

    def _clear_up(self) -> None:
        """Nothing goes wrong from now on; a little later nothing is late any more."""
        world = self.world
        world.set_weather(CALM)
        self.log.weather = CALM
        world.replica.ledger.excuse(self._time() + RECOVERY)
        world.replica.ledger.is_calm = True

    def _time(self) -> int:
        """The Store's own, and before there is a Store what it will go on from."""
        if self.store is not None:
            return self.store.now()
        return max(self.clock(), self.pace.least(self.loop.time()))

    async def _trouble_time(self) -> None:
        """Now and then the wall clock is set, or the process is held for a while."""
        ledger, left = self.world.replica.ledger, LAST_TROUBLES if self.seconds is None else 1000
        while left and self.log.weather.clock:
            await asyncio.sleep(self.chance.expovariate(self.log.weather.clock))
            if self.chance.random() < 0.7:
                self.world.met[self.world.wall.jump(self.chance)] += 1
                ledger.excuse(self.earliest() + LONGEST_SLEEP)
            else:
                self.loop.pause(self.chance.choice(PAUSES))
                self.world.met["paused"] += 1
                ledger.excuse(self._time() + RECOVERY)
            left -= 1

    async def _step(self) -> None:
        """The disk is about to do something, or has just done it: a good moment for a crash."""
        self.steps_left -= 1
        if self.steps_left == 0:
            self.loop.stop()
            await asyncio.Event().wait()

    async def _main(self) -> None:
        world, chance = self.world, self.chance
        edition = "other" if chance.random() < 0.1 else "this"
        async with open_store(
            self.log,
            replace(world.rules, fingerprint=edition),
            Ports(**world.ports),
            policy=POLICY,
            clock=self.clock,
            chance=Random(chance.getrandbits(64)),  # noqa: S311 - by the seed
            grace_seconds=chance.choice((0, 2)),
        ) as store:
            self.store = store
            world.replica.check(store.head, "a new Store")
            require(store.seq == len(world.disk.entries), f"a new Store is at {store.seq} only")
            company = Company(store, world.disk, chance, world.met)
            store.listeners.append(self._guarded(company.hear))
            follower = self._spawn(company.follow)
            self._spawn(company.operate, self.seconds is not None)
            world.clients.begin = lambda errand: self._spawn(world.clients.run, errand, store)
            world.clients.earliest, world.clients.latest = self.earliest, self.latest
            world.clients.begin_all()
            await (company.settle(world.clients) if self.seconds is None else self.stopping.wait())
        await follower

    def _spawn(self, work: Work, *what: Any) -> asyncio.Task[None]:
        """Somebody outside of the service does something; what goes wrong there ends it all."""
        return self.loop.create_task(self._watched(work, what))

    async def _watched(self, work: Work, what: tuple[Any, ...]) -> None:
        try:
            await work(*what)
        except DiskBroken:
            pass  # a follower whose read failed
        except Exception as failure:
            self._fail(failure)

    def _guarded(self, check: Callable[..., None]) -> Callable[..., None]:
        """A check that is called by the service, which must not hide what it finds."""

        def guarded(*what: Any) -> None:
            try:
                check(*what)
            except Exception as failure:
                self._fail(failure)
                raise

        return guarded

    def _fail(self, failure: BaseException) -> None:
        self.failure = self.failure or failure
        self.loop.stop()

    def _check(self, main: asyncio.Task[None]) -> None:
        """What holds at every end of a life, of whatever kind it was."""
        failure = self.failure or self.loop.failure
        fault = main.exception() if main.done() else None
        for leaf in leaves(failure or fault):
            if not isinstance(leaf, DiskBroken):
                told = isinstance(leaf, Violation)
                raise Violation(str(leaf) if told else f"the Store has ended: {leaf!r}") from leaf
        how = "ended by its disk" if fault else "stopped" if main.done() else "crashed"
        self.world.met[how] += 1
        if self.store is not None:
            self.world.replica.check(self.store.head, "the Store")
            check_state(self.store.state)


def leaves(fault: BaseException | None) -> Iterator[BaseException]:
    """The exceptions of a group, and of the groups in it."""
    if isinstance(fault, BaseExceptionGroup):
        for part in fault.exceptions:
            yield from leaves(part)
    elif fault is not None:
        yield fault
