"""A machine on which the service lives, dies and lives again."""

from __future__ import annotations

import math
from dataclasses import replace

from app.runtime.decision import MICROSECONDS
from tests.simulation.life import Life
from tests.simulation.shared import SharedLog
from tests.simulation.troubles import HANDOVER, RECOVERY, held_up
from tests.simulation.wall import Wall
from tests.simulation.weather import CALM
from tests.simulation.world import World

BEGINNING = 1_700_000_000 * MICROSECONDS
DOWN = 0.1, 3, 60
WRONG = 0, 0, 1, 600, -3600  # seconds by which a machine's clock may be wrong from the start
# How often something may befall a last life: else nothing would ever be on time.
LAST_TROUBLES = 3


class Node:
    """So many lives of so many seconds at most, and then a last one, until all is done.

    A last life that ends before is followed by another.
    """

    def __init__(self, world: World, lives: int, seconds: float) -> None:
        self.world = world
        self.wall = Wall(BEGINNING + world.chance.choice(WRONG) * MICROSECONDS)
        self.life: Life | None = None
        self.troubles_left = LAST_TROUBLES
        self.is_done = False
        self._lives = lives
        self._seconds = seconds
        self._begins_at = 0.0

    @property
    def is_last(self) -> bool:
        """Whether it lives until all is done."""
        return self.is_done or (self.life is not None and self.life.is_last)

    @property
    def back_at(self) -> float:
        """When it can do its work, unless something befalls it before."""
        if self.life is None:
            return math.inf if self.is_done else self._begins_at
        cut_until = self.life.log.cut_until if isinstance(self.life.log, SharedLog) else 0.0
        return max(self.life.loop.held_until, cut_until)

    @property
    def performs_effects(self) -> bool:
        """Whether it believes that it is to perform the effects, or would if it woke now."""
        store = None if self.life is None else self.life.store
        return store is not None and store.performs_effects

    def next_at(self) -> float:
        """When it has something to do, in seconds since the simulation began."""
        if self.life is not None:
            return self.life.loop.next_at()
        return math.inf if self.is_done else self._begins_at

    def turn(self) -> None:
        """Do what is to be done now; raises Violation."""
        if self.life is None:
            self._begin()
        else:
            self.life.loop.turn()
        if self.life is not None and self.life.loop.is_over:
            self._end(self.life)

    def _begin(self) -> None:
        chance, world = self.world.chance, self.world
        self._lives -= 1
        seconds = None if self._lives < 0 else chance.uniform(0.1, self._seconds)
        self.life = Life(world, self, seconds)
        self.life.begin()
        if all(node.is_last for node in world.nodes) and not world.ledger.is_calm:
            # A disk that fills up and is emptied again, without a start that would set all right.
            full = chance.choice((0.0, 0.3))
            world.set_weather(replace(world.disk.weather, broken=0.0, full=full))
            self.life.loop.call_later(chance.choice((0, 5, 10)), self._clear_up)

    def _clear_up(self) -> None:
        """Nothing goes wrong from now on; a little later nothing is late any more."""
        world = self.world
        world.set_weather(CALM)
        world.ledger.is_calm = True
        world.ledger.excuse(world.steady.now + RECOVERY + HANDOVER)

    def _end(self, life: Life) -> None:
        world = self.world
        self.life = None
        life.end()
        self.is_done = life.is_last and life.has_settled
        down = world.chance.choice(DOWN)
        self._begins_at = world.steady.now + down
        held_up(world)
        world.clients.moved_from(life)
        if world.chance.random() < 0.2:
            world.met[self.wall.jump(world.chance)] += 1
