"""Secrets, tokens and settings for tests."""

import time
from typing import Any

import jwt

from app.settings import Settings

SECRET = "5f0c9b2e7d41a8863c1e94d7b05a2f6b8e3d70c4916fa52bd8e07c3b6a4f1d92"  # noqa: S105 - of tests
OTHER = "c2a7196e04bd8f35e61a7c90d2f4b83e57901acb6d3e4f28a0b5c7d9e1f36084"


def bearer_claims(**others: Any) -> dict[str, Any]:
    """What a good token of Alice's says, with other claims, or without those that are None."""
    now = int(time.time())
    claims = {"sub": "alice", "role": "customer", "iat": now, "exp": now + 86_400} | others
    return {name: value for name, value in claims.items() if value is not None}


def signed(secret: str = SECRET, algorithm: str = "HS256", **others: Any) -> str:
    """A token of Alice's, signed with this secret; claims that are None are left out."""
    return jwt.encode(bearer_claims(**others), secret, algorithm)


def settings_of(**values: Any) -> Settings:
    """These settings and no others, but for the defaults; the log is in memory."""
    return Settings(_env_file=None, **{"event_log": "memory://"} | values)  # type: ignore[call-arg]
