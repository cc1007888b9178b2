"""What outlives the service: its disk, its clients, the world outside, and time."""

from __future__ import annotations

from collections import Counter
from dataclasses import fields, replace
from hashlib import blake2b
from random import Random
from typing import Any

from app.bootstrap import rules
from app.core.terms import Terms
from app.runtime.decide import Decider
from app.runtime.decision import MICROSECONDS
from app.settings import Settings
from tests.simulation.checks import Replica
from tests.simulation.disk import Disk, Weather
from tests.simulation.errands import Clients
from tests.simulation.features import FEATURES
from tests.simulation.outside import Outside
from tests.simulation.wall import Wall

BEGINNING = 1_700_000_000 * MICROSECONDS
# Whatever an operator may set of the rules, so small that its time comes in a schedule.
TERMS = [Terms(**{field.name: number for field in fields(Terms)}) for number in (3, 30, 300)]
DAY = 24 * 3600
WINDOWS = (20, DAY, DAY)
USUAL = rules(Settings(_env_file=None))  # type: ignore[call-arg]
RULES = [replace(USUAL, terms=terms) for terms in TERMS]


class World:
    """All that a schedule is made of, by its seed; `met` counts what happens in it.

    `now` is in seconds since the simulation began. Ids are remembered for `window` microseconds.
    """

    def __init__(self, seed: int) -> None:
        self.met: Counter[str] = Counter()
        self.chance = Random(seed)  # noqa: S311 - all chance comes from the seed
        self.disk = Disk(f"{seed:016x}")
        window = self.chance.choice(WINDOWS)
        self.rules = replace(self.chance.choice(RULES), remember_seconds=window)
        self.window = window * MICROSECONDS
        self.clients = Clients(self.chance, self.disk, self.met, self.window)
        self.outside = Outside(self.chance, self.met)
        self.replica = Replica(self.disk, Decider(self.rules))
        self.ports: dict[str, Any] = {}
        for feature in FEATURES:
            self.ports.update(feature.ports(self.outside))
        self.now = 0.0
        self.wall = Wall(BEGINNING)
        self.set_weather(some_weather(self.chance))

    def set_weather(self, weather: Weather) -> None:
        """From now on failures are so likely."""
        self.weather = self.outside.weather = weather

    def digest(self) -> str:
        """The same for the same run."""
        errands = [(each.by.name, each.id, each.sent, each.answer) for each in self.clients.errands]
        told = (self.disk.entries, errands, sorted(self.met.items()), self.now)
        return blake2b(repr(told).encode(), digest_size=8).hexdigest()


def some_weather(chance: Random) -> Weather:
    """Some kinds of failure, not all: each schedule has a climate of its own."""
    full, conflict, lost, broken, outside = (chance.random() < 0.5 for _ in range(5))
    return Weather(
        full=0.05 * full,
        conflict=0.05 * conflict,
        lost=0.08 * lost,
        broken=0.01 * broken,
        outside=0.4 * outside,
        clock=chance.choice((0.0, 0.0, 0.02, 0.5)),
        disk_seconds=chance.choice((0.0005, 0.02, 0.2)),
        outside_seconds=chance.choice((0.001, 0.3, 2)),
    )
