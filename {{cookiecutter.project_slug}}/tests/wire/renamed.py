"""`python -m tests.wire.renamed`: the service, in which a command and an event had other names."""

import sys
from typing import cast

from app.cli import main
from app.wire import upcasters
from app.wire.upcasters import Fields, Upcaster


def end_sessions(fields: Fields) -> tuple[str, Fields]:
    """A command of yesterday."""
    return "RevokeTokens", {"user_id": fields.pop("user")}


def sessions_ended(fields: Fields) -> tuple[str, Fields]:
    """An event of yesterday."""
    return "TokensRevoked", {"user_id": fields.pop("user"), "revoked_at": fields.pop("at")}


OF_YESTERDAY = {"EndSessions": end_sessions, "SessionsEnded": sessions_ended}


if __name__ == "__main__":
    cast(dict[str, Upcaster], upcasters.UPCASTERS).update(OF_YESTERDAY)
    sys.exit(main())
