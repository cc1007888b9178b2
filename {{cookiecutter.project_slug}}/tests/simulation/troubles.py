"""What befalls a machine besides a crash: its clock is set, its process held, its line cut."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from app.runtime.lease import LEASE_SECONDS, RENEWALS
from app.runtime.timers import LONGEST_SLEEP_SECONDS
from tests.simulation.shared import SharedLog

if TYPE_CHECKING:
    from tests.simulation.life import Life
    from tests.simulation.world import World

HELD = 1, 10, 100
CUT = 1, 10, 30
RECOVERY = 20
# Until another node has the lease, has caught up, and has begun.
HANDOVER = LEASE_SECONDS + LEASE_SECONDS / RENEWALS + 2


async def befall(life: Life) -> None:
    """Now and then one of them, as often as the weather says; a last life has few of them left."""
    node, world = life.node, life.world
    while (often := world.disk.weather.troubles) and node.troubles_left:
        await asyncio.sleep(world.chance.expovariate(often))
        node.troubles_left -= world.ledger.is_calm
        fate = world.chance.random()
        if fate < 0.5:
            set_clock(life)
        elif fate < 0.7:
            cut_line(life)
        elif fate < 0.8 and world.is_shared and world.ledger.is_calm:
            life.loop.stop()
        else:
            hold(life)


def set_clock(life: Life) -> None:
    """Somebody sets it; an alarm that sleeps already is not woken by that."""
    world = life.world
    world.met[life.node.wall.jump(world.chance)] += 1
    world.ledger.excuse(life.loop.time() + LONGEST_SLEEP_SECONDS)


def cut_line(life: Life) -> None:
    """The log cannot be reached for a while, if there is a line to it at all."""
    if isinstance(life.log, SharedLog):
        life.log.cut_until = life.loop.time() + life.chance.choice(CUT)
        life.world.met["line cut"] += 1
        life.world.clients.lose_patience(life)
        held_up(life.world)


def hold(life: Life) -> None:
    """The process does nothing for a while, and does not know it."""
    life.loop.hold(life.chance.choice(HELD))
    life.world.met["held"] += 1
    life.world.clients.lose_patience(life)
    held_up(life.world)


def held_up(world: World) -> None:
    """A node cannot do its work: effects are late, until another takes over or one is back."""
    now = world.steady.now
    wait = min(node.back_at for node in world.nodes) - now
    world.ledger.excuse(now + HANDOVER + (wait + RECOVERY if wait > 0 else 0))
