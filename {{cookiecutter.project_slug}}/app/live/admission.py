"""Whether a client may stay: what its token says, and how many connections it has."""

from collections.abc import Callable

from app.access.identity import Identity, TokenRefused
from app.access.limits import Lease
from app.core.rejected import Rejected
from app.live import closing
from app.live.closing import Goodbye


def identified(identify: Callable[[], Identity]) -> Identity:
    """Who it is; raises Goodbye for a token that is not good."""
    try:
        return identify()
    except TokenRefused as refusal:
        code = closing.EXPIRED if refusal.expired else closing.BAD_TOKEN
        raise Goodbye(code, refusal.message) from None


def admit(lease: Lease, identity: Identity) -> None:
    """Count it among its principal's connections; raises Goodbye when it is one too many.

    It may come back: of the others some may be gone without a word, which their pings will show.
    Were one of them closed instead, a user's pages would send each other away for ever.
    """
    try:
        lease.identify(identity.principal)
    except Rejected as refusal:
        raise Goodbye(closing.TOO_MANY_CONNECTIONS, refusal.message) from None
