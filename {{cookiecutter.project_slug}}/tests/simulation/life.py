"""One life of the service, from its start to a crash, a stop or a failure of its disk."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import replace
from random import Random
from typing import TYPE_CHECKING, Any, TypeAlias

from app.core.ports import Ports
from app.domain import Command, Event, State
from app.runtime.event_log.port import Entry, LogUnavailable
from app.runtime.lease import LEASE
from app.runtime.store import Store, open_store
from tests.simulation.company import Company
from tests.simulation.disk import DiskBroken, SimulatedLog
from tests.simulation.features import check_state
from tests.simulation.follower import Follower
from tests.simulation.limits import POLICY
from tests.simulation.loop import SimulatedLoop
from tests.simulation.pace import Pace, is_of_effect
from tests.simulation.shared import SharedLog
from tests.simulation.troubles import befall, held_up
from tests.simulation.violation import Violation, require
from tests.simulation.wall import shown
from tests.simulation.world import World

if TYPE_CHECKING:
    from tests.simulation.node import Node

TURNS = 100_000

Work: TypeAlias = Callable[..., Awaitable[None]]


class Life:
    """A process: an event loop, the log and the Store on it, and whoever lives with them.

    It lasts so many seconds at most, or, the last one, until all is done. Its first failure ends
    it, whoever may have caught that.
    """

    def __init__(self, world: World, node: Node, seconds: float | None) -> None:
        self.world = world
        self.node = node
        self.chance = world.chance
        self.seconds = seconds
        self.loop = SimulatedLoop(world.chance, steady=world.steady, turns=TURNS)
        self.log = self._new_log()
        self.pace = Pace(self.clock, world.furthest, 0, 0)
        self.stopping = asyncio.Event()
        self.steps_left = 0
        self.failure: BaseException | None = None
        self.store: Store[State, Command, Event] | None = None
        self.has_settled = False
        self._main: asyncio.Task[None] = self.loop.create_task(self._live())

    @property
    def is_last(self) -> bool:
        """Whether it lasts until all is done."""
        return self.seconds is None

    def begin(self) -> None:
        """Let it live, turn by turn of its loop."""
        self.spawn(befall, self)
        self._main.add_done_callback(lambda _: self.loop.stop())
        if self.seconds is not None:
            self._plan_end(self.loop.time() + self.seconds)

    def end(self) -> None:
        """Look at what is left, and let nothing of it go on; raises Violation."""
        try:
            self._check()
            if isinstance(self.log, SharedLog):
                self.log.leave()
        finally:
            self.loop.abandon()

    def clock(self) -> int:
        """The wall clock, which somebody may set at any time."""
        return shown(self.node.wall.ahead, self.loop.time())

    def earliest(self) -> int:
        """Whatever is decided now has this time or a later one."""
        return max(self.clock(), 0 if self.store is None else self.store.head.time)

    def spawn(self, work: Work, *what: Any) -> asyncio.Task[None]:
        """Somebody outside of the service does something; what goes wrong there ends it all."""
        return self.loop.create_task(self._watched(work, what))

    def _new_log(self) -> SimulatedLog:
        world = self.world
        checks = self._guarded(self._asked), self._refused, self._guarded(world.replica.stored)
        what = world.disk, world.chance, world.met, *checks, self._step
        return SharedLog(self.loop, *what) if world.is_shared else SimulatedLog(*what)

    def _asked(self, entries: Sequence[Entry]) -> None:
        self.pace.asked(entries, self.loop.time())
        if isinstance(self.log, SharedLog) and any(map(is_of_effect, entries)):
            first, log = entries[0].position, self.log
            is_too_late = first <= len(self.world.disk.entries)  # others have stored more: refused
            may_note = log.holds(LEASE) or log.is_unlucky or is_too_late
            require(may_note, f"{first} is noted without the lease")

    def _refused(self, entries: Sequence[Entry]) -> None:
        if not self.world.is_shared:  # a new term begins anew, with what was left of the last one
            self.pace.refused(entries)

    def _plan_end(self, at: float) -> None:
        """A crash at a moment or at a step of the disk, or a stop that may not come to its end."""
        fate = self.chance.random()
        if fate < 0.25:
            self.loop.call_at(at, self.stopping.set)
            at += self.chance.choice((0.05, 3, 1000))
        elif fate < 0.6:
            self.steps_left = self.chance.randint(1, 150)
        self.loop.call_at(at, self.loop.stop)

    async def _step(self) -> None:
        """The disk is about to do something, or has just done it: a good moment for a crash."""
        self.steps_left -= 1
        if self.steps_left == 0:
            self.loop.stop()
            await asyncio.Event().wait()

    async def _live(self) -> None:
        world, chance = self.world, self.chance
        version = "other" if chance.random() < 0.1 else "this"
        end = len(world.disk.entries)
        async with open_store(
            self.log,
            replace(world.rules, fingerprint=version),
            Ports(**world.ports),
            policy=POLICY,
            clock=self.clock,
            chance=Random(chance.getrandbits(64)),  # noqa: S311 - by the seed
            grace_seconds=chance.choice((0, 2)),
        ) as store:
            self.store = store
            self.pace = Pace(self.clock, world.furthest, store.head.time, self.loop.time())
            world.replica.check(store.head, "a new Store")
            require(store.seq >= end, f"a new Store is at {store.seq} only")
            company = Company(store, world)
            store.listeners.append(self._guarded(company.hear))
            followers = [self.spawn(each.follow) for each in (company, Follower(store, world))]
            self.spawn(company.operate, not self.is_last)
            world.clients.begin_all(self)
            await (company.settle() if self.is_last else self.stopping.wait())
            self.has_settled = True
            held_up(world)
        await asyncio.gather(*followers)

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

    def _check(self) -> None:
        """What holds at every end of a life, of whatever kind it was."""
        failure = self.failure or self.loop.failure
        fault = self._main.exception() if self._main.done() else None
        for leaf in leaves(failure or fault):
            if not self._may_end_by(leaf):
                told = isinstance(leaf, Violation)
                raise Violation(str(leaf) if told else f"the Store has ended: {leaf!r}") from leaf
        how = "ended by its disk" if fault else "stopped" if self._main.done() else "crashed"
        self.world.met[how] += 1
        self.has_settled &= how == "stopped"
        if self.store is not None:
            self.world.replica.check(self.store.head, "the Store")
            check_state(self.store.state)

    def _may_end_by(self, fault: BaseException) -> bool:
        """Nothing goes on after a broken disk, and nothing begins without a line to it."""
        never_began = self.store is None and isinstance(fault, LogUnavailable)
        return never_began or isinstance(fault, DiskBroken)


def leaves(fault: BaseException | None) -> Iterator[BaseException]:
    """The exceptions of a group, and of the groups in it."""
    if isinstance(fault, BaseExceptionGroup):
        for part in fault.exceptions:
            yield from leaves(part)
    elif fault is not None:
        yield fault
