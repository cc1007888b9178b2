"""One schedule: nodes that live, crash and live again on one disk, all by one seed."""

from __future__ import annotations

from tests.simulation.answers import check_answers, check_nameless
from tests.simulation.checks import check_log, story_of
from tests.simulation.features import check_story
from tests.simulation.limits import small_limits
from tests.simulation.loop import Stuck
from tests.simulation.node import Node
from tests.simulation.shared import Arrivals
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
    """One node, two or three, with some lives that end somehow, and a last one that ends well."""
    chance = world.chance
    seconds = chance.uniform(3, 20)
    world.clients.plan(chance.randint(15, 35), 1.2 * seconds)
    for _ in range(chance.choice((1, 1, 2, 3))):
        lives = chance.randint(1, 4)
        world.nodes.append(Node(world, lives, 2 * seconds / lives))
    world.met["schedules with several nodes"] += world.is_shared
    try:
        take_turns(world)
    except Stuck as problem:
        raise Violation(str(problem)) from None
    finally:
        for node in world.nodes:
            if node.life is not None:
                node.life.loop.abandon()


def take_turns(world: World) -> None:
    """Let whoever is next do what it has to do, until nobody has; chance decides between two."""
    steady = world.steady
    table: list[Node | Arrivals] = [*world.nodes, Arrivals(world.disk)]
    while not all(each.is_done for each in table):
        moments = [each.next_at() for each in table]
        steady.now = max(steady.now, min(moments))
        ready = [each for each, at in zip(table, moments, strict=True) if at <= steady.now]
        (ready[0] if len(ready) == 1 else world.chance.choice(ready)).turn()


def check_end(world: World) -> None:
    """What holds when all is done."""
    head = world.replica.heads[-1]
    for name in ("pending", "groups", "keyed", "dead"):
        require(not getattr(head.effects, name), f"effects.{name} is not empty in the end")
    check_answers(world.clients.errands, world.disk)
    check_nameless(world.clients.errands, world.disk)
    left = world.ledger.open
    require(not left, f"these effects never end: {', '.join(left)}")
    check_log(world.disk, world.window)
    check_story(story_of(world.disk, head.state, world.ports))
