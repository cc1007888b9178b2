"""Clients: each wants one thing done, and asks until it knows that it is."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING

from app.core.principal import Principal, Role
from app.core.rejected import Code, Rejected
from app.domain import Command, Event, State
from app.runtime.group import Outcome
from app.runtime.store import Store
from tests.simulation.answers import check_refusal, check_stored
from tests.simulation.disk import Disk
from tests.simulation.features import FEATURES, WEIGHTS
from tests.simulation.violation import require

if TYPE_CHECKING:
    from tests.simulation.life import Life

PRINCIPALS = (
    Principal("ada", Role.CUSTOMER),
    Principal("bob", Role.CUSTOMER),
    Principal("olga", Role.OPERATOR),
    Principal("olga", Role.OPERATOR),
)
PATIENCE = (0.02, 1.0, 3.0, 30.0)
AGAIN, REUSED = 0.2, 0.1


@dataclass(slots=True)
class Errand:
    """One command of one client, from `at` on; `answer` is what was answered, in short.

    `first` is the errand whose id this one uses again, be it for the same command or for another.
    `since` is when its id was first used at the earliest, in microseconds since 1970. A client
    that has moved to another node may have left a copy of its command behind.
    """

    by: Principal
    at: float
    id: str | None
    command: Command | None = None
    first: Errand | None = None
    sent: int = 0
    since: int | None = None
    answer: str | None = None
    positions: tuple[int, ...] = ()
    is_over: bool = False
    served_by: Life | None = None
    visits: int = 0
    has_moved: bool = False


@dataclass(slots=True)
class Clients:
    """All errands, which survive the crashes of the service.

    An id is remembered for `window` microseconds; after that a client can expect nothing of it.
    `lives` are the nodes that can be asked.
    """

    chance: Random
    disk: Disk
    met: Counter[str]
    window: int
    errands: list[Errand] = field(default_factory=list)
    ids: Counter[str] = field(default_factory=Counter)
    lives: list[Life] = field(default_factory=list)

    def plan(self, count: int, seconds: float) -> None:
        """So many errands within so many seconds, some of them at the same time."""
        at = 0.0
        for _ in range(count):
            if self.chance.random() < 0.6:
                at = self.chance.uniform(0, seconds)
            by = self.chance.choice(PRINCIPALS)
            self.ids[by.name] += 1
            name = None if self.chance.random() < 0.1 else f"c{self.ids[by.name]}"
            self.errands.append(Errand(by, at, name))

    def begin_all(self, life: Life) -> None:
        """There is a Store now: all that nobody serves begins, or begins again."""
        self.lives.append(life)
        for errand in self.errands:
            if not errand.is_over and errand.served_by is None:
                self.begin(errand, self.lives)

    def begin(self, errand: Errand, lives: Sequence[Life]) -> None:
        """Have it done by one of these, if there is any; another may have been asked before."""
        before = errand.served_by
        errand.served_by = life = self.chance.choice(lives) if lives else None
        if before is not None and life is not before:
            errand.has_moved |= before.world.is_shared and errand.sent > 0
        errand.visits += 1
        if life is not None:
            life.spawn(self.run, errand, life, errand.visits)

    def moved_from(self, life: Life) -> None:
        """Whoever was served by a life that is over asks another, or waits for one."""
        self.lives[:] = [other for other in self.lives if other is not life]
        for errand in self.errands:
            if errand.served_by is life and not errand.is_over:
                self.begin(errand, self.lives)

    def lose_patience(self, life: Life) -> None:
        """Nothing is heard from this life: some ask another, which has to know them by their id."""
        others = [other for other in self.lives if other is not life]
        for errand in self.errands:
            is_left = errand.served_by is life and errand.sent and not errand.is_over
            if is_left and errand.id is not None and others and self.chance.random() < 0.5:
                self.met["moved"] += 1
                self.begin(errand, others)

    def are_done(self) -> bool:
        """Whether everybody has got an answer, or has given up."""
        return all(errand.is_over for errand in self.errands)

    async def run(self, errand: Errand, life: Life, visit: int) -> None:
        """Have it done, as far as this life of the service goes, or until the client has moved."""
        store = life.store
        await asyncio.sleep(max(0.0, errand.at - asyncio.get_running_loop().time()))
        while store is not None and not errand.is_over and errand.visits == visit:
            if errand.command is None:
                (feature,) = self.chance.choices(FEATURES, WEIGHTS)
                errand.command = feature.command(self.chance, store.state, errand.by)
            require(store.seq <= len(self.disk.entries), "the State is ahead of the log")
            errand.sent += 1
            # Nodes' clocks differ, and whichever of those that were asked may have done it.
            now = life.earliest()
            errand.since = now if errand.since is None else min(errand.since, now)
            since = len(self.disk.entries)
            answer = await self.ask(errand, errand.command, store)
            if isinstance(answer, Rejected):
                check_refusal(errand, answer, life, since)
            if errand.visits != visit:
                return
            if isinstance(answer, Outcome):
                self.accepted(errand, answer, life)
            elif answer is not None:
                await self.refused(errand, answer, life)
                if not errand.is_over and errand.visits == visit:
                    self.begin(errand, self.lives)
            else:
                self.met["impatience"] += 1
                errand.is_over = errand.id is None

    async def ask(
        self, errand: Errand, command: Command, store: Store[State, Command, Event]
    ) -> Outcome[State, Event] | Rejected | None:
        """What is answered, if it is answered before the client's patience is at its end."""
        try:
            async with asyncio.timeout(self.chance.choice(PATIENCE)):
                return await store.dispatch(command, by=errand.by, id=errand.id)
        except Rejected as refusal:
            return refusal
        except TimeoutError:
            return None

    async def refused(self, errand: Errand, refusal: Rejected, life: Life) -> None:
        """Ask again if that may help; what cannot be asked again safely is given up."""
        require(refusal.code is not Code.INTERNAL, f"{errand.command} met a mistake")
        if refusal.code is Code.UNAVAILABLE:
            self.met["unavailable"] += 1
            errand.is_over = errand.id is None
            await asyncio.sleep(self.chance.uniform(0.1, 3))
            return
        if self.is_forgotten(errand, life):
            return
        is_reused = errand.first is not None and errand.first.command != errand.command
        words = f"{errand.by.name} got {refusal.code} for {errand.id}: {refusal.message}"
        require((refusal.code is Code.ID_REUSED) is is_reused, words)
        require(errand.first is None or is_reused, f"what was done is refused: {words}")
        self.met["id reused" if is_reused else "refused"] += 1
        errand.answer = f"{refusal.code}: {refusal.message}"
        errand.is_over = True

    def accepted(self, errand: Errand, outcome: Outcome[State, Event], life: Life) -> None:
        """Look whether the answer is true, and ask for the same again now and then."""
        if self.is_forgotten(errand, life):
            return
        name = f"{errand.by.name}/{errand.id}"
        errand.positions = tuple(event.seq for event in outcome.events if event.seq is not None)
        errand.answer = f"{outcome.seq} {errand.positions}"
        errand.is_over = True
        seen = 0 if life.store is None else life.store.seq
        require(outcome.seq <= seen, f"{name} is answered before its events are seen")
        require(outcome.seq <= len(self.disk.entries), f"{name} is answered before it is stored")
        check_stored(errand, outcome, self.disk)
        if errand.first is None:
            require(errand.sent > 1 or not outcome.duplicate, f"{name} was never sent before")
            if errand.id is not None:
                self.use_id_again(errand)
        else:
            require(errand.first.command == errand.command, f"{name} is of another command")
            require(outcome.duplicate, f"{name} is done again")
            same = errand.answer == errand.first.answer
            require(same, f"{name} was answered {errand.first.answer}, and then {errand.answer}")
        self.met["duplicate" if outcome.duplicate else "accepted"] += 1

    def is_forgotten(self, errand: Errand, life: Life) -> bool:
        """Whether the id was first used so long ago that any answer is a good one."""
        if errand.sent == 1 and errand.first is None:
            return False
        errand.is_over = life.world.furthest() - (errand.since or 0) > self.window
        if errand.is_over:
            self.met["id forgotten"] += 1
        return errand.is_over

    def use_id_again(self, errand: Errand) -> None:
        """Send the same once more, or another command under the same id."""
        now, fate = asyncio.get_running_loop().time(), self.chance.random()
        at = now + self.chance.choice((0, self.chance.expovariate(1 / 5)))
        if fate < AGAIN + REUSED:
            command = errand.command if fate < AGAIN else None
            again = Errand(errand.by, at, errand.id, command, errand, since=errand.since)
            self.errands.append(again)
            self.begin(again, self.lives)
