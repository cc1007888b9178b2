"""Whose tokens are revoked, and since when, as one immutable value."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from rpds import HashTrieMap

from app.core.principal import Principal


@dataclass(frozen=True, slots=True)
class Revocation:
    """A user whose tokens were revoked, and when that was last."""

    user_id: str
    revoked_at: datetime


@dataclass(frozen=True, slots=True)
class Revocations:
    """The time of the last revocation, by user."""

    by_user: HashTrieMap[str, datetime] = HashTrieMap()

    def revokes(self, user_id: str, issued: float | None) -> bool:
        """Whether a token is revoked that the user was issued then, in seconds since 1970.

        Tokens tell whole seconds, so that one of the second of the revocation may be older than it;
        one that does not tell when it was issued may be, too. An issuer whose clock is ahead tells
        a later second; to refuse such ones would refuse whoever logs in again at once.
        """
        revoked_at = self.by_user.get(user_id)
        if revoked_at is None:
            return False
        return issued is None or int(issued) <= int(revoked_at.timestamp())

    def all(self) -> list[Revocation]:
        """Every user's last one, by name."""
        return [Revocation(user_id, self.by_user[user_id]) for user_id in sorted(self.by_user)]

    def added(self, user_id: str, revoked_at: datetime) -> Revocations:
        """These and a later one."""
        return Revocations(self.by_user.insert(user_id, revoked_at))


def view(revocations: Revocations, principal: Principal) -> list[Revocation]:
    """What an operator starts from: every user's last one."""
    return revocations.all()
