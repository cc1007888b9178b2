"""Clients: each wants one thing done, and asks until it knows that it is."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random

from app.core.principal import Principal, Role
from app.core.rejected import Code, Rejected
from app.domain import Command, Event, State
from app.runtime.group import Outcome
from app.runtime.store import Store
from tests.simulation.disk import Disk
from tests.simulation.features import FEATURES, WEIGHTS
from tests.simulation.violation import require

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
    `since` is when its id was first used at the earliest, in microseconds since 1970.
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


@dataclass(slots=True)
class Clients:
    """All errands, which survive the crashes of the service.

    An id is remembered for `window` microseconds; after that a client can expect nothing of it.
    Whatever is decided now has a time from `earliest` to `latest`.
    """

    chance: Random
    disk: Disk
    met: Counter[str]
    window: int
    errands: list[Errand] = field(default_factory=list)
    ids: Counter[str] = field(default_factory=Counter)
    begin: Callable[[Errand], object] = id
    earliest: Callable[[], int] = int
    latest: Callable[[], int] = int

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

    def begin_all(self) -> None:
        """All that is not over yet begins, or begins again."""
        for errand in self.errands:
            if not errand.is_over:
                self.begin(errand)

    def are_done(self) -> bool:
        """Whether everybody has got an answer, or has given up."""
        return all(errand.is_over for errand in self.errands)

    async def run(self, errand: Errand, store: Store[State, Command, Event]) -> None:
        """Have it done, as far as this life of the service goes."""
        now = asyncio.get_running_loop().time()
        await asyncio.sleep(max(0.0, errand.at - now))
        while not errand.is_over:
            if errand.command is None:
                (feature,) = self.chance.choices(FEATURES, WEIGHTS)
                errand.command = feature.command(self.chance, store.state, errand.by)
            require(store.seq <= len(self.disk.entries), "the State is ahead of the log")
            errand.sent += 1
            errand.since = self.earliest() if errand.since is None else errand.since
            try:
                async with asyncio.timeout(self.chance.choice(PATIENCE)):
                    outcome = await store.dispatch(errand.command, by=errand.by, id=errand.id)
            except TimeoutError:
                self.met["impatience"] += 1
                errand.is_over = errand.id is None
            except Rejected as refusal:
                await self.refused(errand, refusal)
            else:
                self.accepted(errand, outcome, store)

    async def refused(self, errand: Errand, refusal: Rejected) -> None:
        """Ask again if that may help; what cannot be asked again safely is given up."""
        require(refusal.code is not Code.INTERNAL, f"{errand.command} met a mistake")
        if refusal.code is Code.UNAVAILABLE:
            self.met["unavailable"] += 1
            errand.is_over = errand.id is None
            await asyncio.sleep(self.chance.uniform(0.1, 3))
            return
        if self.is_forgotten(errand):
            return
        is_reused = errand.first is not None and errand.first.command != errand.command
        words = f"{errand.by.name} got {refusal.code} for {errand.id}: {refusal.message}"
        require((refusal.code is Code.ID_REUSED) is is_reused, words)
        require(errand.first is None or is_reused, f"what was done is refused: {words}")
        self.met["id reused" if is_reused else "refused"] += 1
        errand.answer = f"{refusal.code}: {refusal.message}"
        errand.is_over = True

    def accepted(
        self, errand: Errand, outcome: Outcome[State, Event], store: Store[State, Command, Event]
    ) -> None:
        """Look whether the answer is true, and ask for the same again now and then."""
        if self.is_forgotten(errand):
            return
        name = f"{errand.by.name}/{errand.id}"
        errand.positions = tuple(event.seq for event in outcome.events if event.seq is not None)
        errand.answer = f"{outcome.seq} {errand.positions}"
        errand.is_over = True
        require(outcome.seq <= store.seq, f"{name} is answered before its events are seen")
        require(outcome.seq <= len(self.disk.entries), f"{name} is answered before it is stored")
        self.check_stored(errand, outcome)
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

    def is_forgotten(self, errand: Errand) -> bool:
        """Whether the id was first used so long ago that any answer is a good one."""
        if errand.sent == 1 and errand.first is None:
            return False
        errand.is_over = self.latest() - (errand.since or 0) > self.window
        if errand.is_over:
            self.met["id forgotten"] += 1
        return errand.is_over

    def check_stored(self, errand: Errand, outcome: Outcome[State, Event]) -> None:
        """The events that were answered stand in the log, at their positions, as its own."""
        for happened in outcome.events:
            if happened.seq is not None:
                entry = self.disk.entries[happened.seq - 1]
                found = (entry.event, entry.principal, entry.cause)
                told = (happened.json, errand.by.name, errand.id)
                require(found == told, f"{told} was answered, but the log has {found}")

    def use_id_again(self, errand: Errand) -> None:
        """Send the same once more, or another command under the same id."""
        now, fate = asyncio.get_running_loop().time(), self.chance.random()
        at = now + self.chance.expovariate(1 / 5)
        if fate < AGAIN + REUSED:
            command = errand.command if fate < AGAIN else None
            again = Errand(errand.by, at, errand.id, command, errand, since=errand.since)
            self.errands.append(again)
            self.begin(again)

    def check(self) -> None:
        """What was refused has left no trace; what was done stands in the log."""
        named = {(e.principal, e.cause) for e in self.disk.entries if e.outcome is None}
        for errand in self.errands:
            require(errand.is_over, f"{errand.by.name}/{errand.id} is never answered")
            if errand.id is not None and errand.first is None and errand.answer is not None:
                is_done = errand.answer[0].isdigit()
                name = f"{errand.by.name}/{errand.id}"
                words = f"{name} was answered {errand.answer}, but the log says otherwise"
                require(((errand.by.name, errand.id) in named) is is_done, words)
