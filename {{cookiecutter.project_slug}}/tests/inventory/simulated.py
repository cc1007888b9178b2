"""The inventory in a simulation."""

from random import Random

from app.core.principal import Principal
from app.domain import Command, State
from app.domain.inventory.actions import AddStock
from tests.inventory.test_saga import Shop
from tests.simulation.features import Story


def command(chance: Random, state: State, principal: Principal) -> Command:
    """Stock something; a customer may not."""
    return AddStock(chance.choice(("bolt", "nut")), chance.randint(1, 12))


def check(state: State) -> None:
    """Nothing is owed, and no claim is empty."""
    assert all(available >= 0 for available in state.inventory.available.values())
    assert all(claim.units for claim in state.inventory.reserved.values())


def finish(story: Story) -> None:
    """Every unit that was ever stocked is available, reserved or shipped."""
    books = Shop(Random(0), story.state)  # noqa: S311 - nothing of it is left to chance
    for decided in story.decided:
        if isinstance(decided.command, AddStock):
            books.stocked[decided.command.product_id] += decided.command.quantity
    for event in story.events.values():
        books.enter(event)
    books.check()
    books.check_settled()
