"""The rules of revocation: what a command may do, and what an event changes.

A rule is a `require_…` called from a command's branch. Events are never refused.
"""

from typing import Never, assert_never

from app.core.effects import Append, Effects
from app.core.environment import Environment
from app.domain.revocation.actions import (
    RevocationAction,
    RevocationEvent,
    RevokeTokens,
    TokensRevoked,
)
from app.domain.revocation.state import Revocations


def reduce(
    state: Revocations, action: RevocationAction, env: Environment
) -> tuple[Revocations, Effects[RevocationEvent, Never]]:
    """Decide a command, or apply an event."""
    match action:
        case RevokeTokens():
            return state, [Append(TokensRevoked(action.user_id, env.now()))]

        case TokensRevoked():
            return state.added(action.user_id, action.revoked_at), []

        case _:
            assert_never(action)
