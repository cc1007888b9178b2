"""What outlives the service: its disk, its machines, its clients, the world outside, and time."""

from __future__ import annotations

from collections import Counter
from dataclasses import fields, replace
from hashlib import blake2b
from random import Random
from typing import TYPE_CHECKING, Any

from app.bootstrap import rules
from app.core.terms import Terms
from app.runtime.decide import Decider
from app.runtime.decision import MICROSECONDS
from app.settings import Settings
from tests.simulation.checks import Replica
from tests.simulation.disk import Disk
from tests.simulation.errands import Clients
from tests.simulation.features import FEATURES
from tests.simulation.loop import Steady
from tests.simulation.outside import Outside
from tests.simulation.wall import shown
from tests.simulation.weather import Weather, some_weather

if TYPE_CHECKING:
    from tests.simulation.node import Node

# Whatever an operator may set of the rules, so small that its time comes in a schedule.
TERMS = [Terms(**{field.name: number for field in fields(Terms)}) for number in (3, 30, 300)]
DAY = 24 * 3600
WINDOWS = (20, DAY, DAY)
USUAL = rules(Settings(_env_file=None))  # type: ignore[call-arg]
RULES = [replace(USUAL, terms=terms) for terms in TERMS]


class World:
    """All that a schedule is made of, by its seed; `met` counts what happens in it.

    Ids are remembered for `window` microseconds.
    """

    def __init__(self, seed: int) -> None:
        self.met: Counter[str] = Counter()
        self.chance = Random(seed)  # noqa: S311 - all chance comes from the seed
        self.steady = Steady()
        self.disk = Disk(f"{seed:016x}")
        window = self.chance.choice(WINDOWS)
        self.rules = replace(self.chance.choice(RULES), remember_seconds=window)
        self.window = window * MICROSECONDS
        self.clients = Clients(self.chance, self.disk, self.met, self.window)
        self.outside = Outside(self.chance, self.met)
        self.replica = Replica(self.disk, Decider(self.rules), self.steady)
        self.ledger = self.replica.ledger
        self.ports: dict[str, Any] = {}
        for feature in FEATURES:
            self.ports.update(feature.ports(self.outside))
        self.nodes: list[Node] = []
        self.set_weather(some_weather(self.chance))

    @property
    def is_shared(self) -> bool:
        """Whether there are several nodes."""
        return len(self.nodes) > 1

    def set_weather(self, weather: Weather) -> None:
        """From now on failures are so likely."""
        self.disk.weather = self.outside.weather = weather

    def furthest(self) -> int:
        """The latest time that any wall clock could show now, had it never been set back."""
        return shown(max(node.wall.furthest for node in self.nodes), self.steady.now)

    def performing(self) -> int:
        """How many nodes perform effects now."""
        return sum(node.performs_effects for node in self.nodes)

    def digest(self) -> str:
        """The same for the same run."""
        errands = [(each.by.name, each.id, each.sent, each.answer) for each in self.clients.errands]
        told = (self.disk.entries, errands, sorted(self.met.items()), self.steady.now)
        return blake2b(repr(told).encode(), digest_size=8).hexdigest()
