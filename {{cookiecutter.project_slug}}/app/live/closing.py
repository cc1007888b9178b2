"""Why a connection is closed: the codes of RFC 6455, 7.4.1, and our own.

After 4000-4499 a client comes back, after 4500-4999 it does not.
"""

LOST = 1006  # is never sent: nobody has said why
DRAINING = 1012
TOO_MANY_INVALID = 1008
MISTAKE = 1011
TOO_SLOW = 4008
TOO_FAST = 4009
EXPIRED = 4401
TOO_MANY_CONNECTIONS = 4429
BAD_TOKEN = 4501
REVOKED = 4503


class Goodbye(Exception):
    """The connection has to end, with this code, for this reason."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(code, reason)
        self.code = code
        self.reason = reason
