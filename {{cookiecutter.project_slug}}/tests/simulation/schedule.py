"""One schedule: a service that lives, crashes and lives again on one disk, all by one seed."""

from __future__ import annotations

from dataclasses import replace

from tests.simulation.checks import check_log, story_of
from tests.simulation.features import check_story
from tests.simulation.life import Life
from tests.simulation.limits import small_limits
from tests.simulation.violation import Violation, require
from tests.simulation.world import World


def simulate(seed: int) -> World:
    """Run the schedule of this seed; raises Violation if the service breaks a promise."""
    world = World(seed)
    try:
        with small_limits():
            run(world)
            check_end(world)
    except Violation:
        raise
    except Exception as fault:
        raise Violation(f"{type(fault).__name__}: {fault}") from fault
    return world


def run(world: World) -> None:
    """Some lives that end somehow, and a last one in which everything comes to its end."""
    chance = world.chance
    seconds = chance.uniform(3, 20)
    world.clients.plan(chance.randint(15, 35), 1.2 * seconds)
    lives = chance.randint(1, 4)
    for _ in range(lives):
        Life(world, chance.uniform(0.1, 2 * seconds / lives)).run()
        world.now += chance.choice((0.1, 3, 60))
        if chance.random() < 0.2:
            world.met[world.wall.jump(chance)] += 1
    # A disk that fills up and is emptied again, without a start that would set all right.
    world.set_weather(replace(world.weather, broken=0.0, full=chance.choice((0.0, 0.3))))
    Life(world, None).run()


def check_end(world: World) -> None:
    """What holds when all is done."""
    head = world.replica.heads[-1]
    for name in ("pending", "groups", "keyed", "dead"):
        require(not getattr(head.effects, name), f"effects.{name} is not empty in the end")
    world.clients.check()
    left = world.replica.ledger.open
    require(not left, f"these effects never end: {', '.join(left)}")
    check_log(world.disk, world.window)
    check_story(story_of(world.disk, head.state, world.ports))
