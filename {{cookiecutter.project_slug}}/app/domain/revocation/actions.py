"""What can be asked of revocation, and what can happen to a user's tokens.

Class names are wire names and log names: rename with care (`wire/upcasters.py`).
A new field of an event needs a default, so that the log of yesterday still loads.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from app.domain.ids import UserName

# Commands: what clients ask for.


@dataclass(frozen=True, slots=True)
class RevokeTokens:
    """Refuse every token that a user has been issued so far, and end their live connections."""

    user_id: UserName


# Events: what happened.


@dataclass(frozen=True, slots=True)
class TokensRevoked:
    """The user's tokens count no more, but for those that are issued later."""

    user_id: str
    revoked_at: datetime


RevocationCommand: TypeAlias = RevokeTokens
RevocationEvent: TypeAlias = TokensRevoked
RevocationAction: TypeAlias = RevocationCommand | RevocationEvent


def topic(event: RevocationEvent) -> str:
    """Who may hear this: whoever may see to revocations."""
    return "revocation"
