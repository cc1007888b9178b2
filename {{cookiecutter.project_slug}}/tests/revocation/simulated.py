"""Revocation in a simulation."""

from random import Random

from app.core.principal import Principal
from app.domain import Command, State
from app.domain.revocation.actions import RevokeTokens, TokensRevoked
from tests.simulation.features import Story


def command(chance: Random, state: State, principal: Principal) -> Command:
    """Revoke somebody's tokens; only an operator may."""
    return RevokeTokens(chance.choice(("ada", "bob", "eve")))


def check(state: State) -> None:
    """Everybody who is listed is revoked, whenever their token was issued before."""
    for each in state.revocation.all():
        assert state.revocation.revokes(each.user_id, each.revoked_at.timestamp())


def finish(story: Story) -> None:
    """Of each user the last revocation counts, and nothing else does."""
    last = {event.user_id: event.revoked_at for _, event in story.of(TokensRevoked)}
    assert dict(story.state.revocation.by_user) == last
