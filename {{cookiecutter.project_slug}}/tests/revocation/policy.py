"""Who may revoke tokens and who hears of it; `tests/policy/table.py` says how to read this."""

from collections.abc import Mapping

from tests.policy.people import World
from tests.policy.table import Tries, Try

COMMANDS = """
                  nobody           ada        bob        olga  system
    RevokeTokens  unauthenticated  forbidden  forbidden  done  forbidden
"""

TOPICS = """
                nobody  ada   bob   olga
    revocation  none    none  none  all
"""

EVENTS = """
                   topic
    TokensRevoked  revocation
"""

READS = """
                  nobody           ada        bob        olga
    /revocations  unauthenticated  forbidden  forbidden  shown
"""


def revoke(world: World) -> Try:
    body = {"user_id": "mallory"}
    return Try({"RevokeTokens": body}, "/revocations", body)


TRIES: Tries = {"RevokeTokens": revoke}


def story(world: World) -> Mapping[str, str]:
    """Mallory has to log in anew."""
    world.do("olga", revoke(world).action)
    return {"user_id": "mallory"}
