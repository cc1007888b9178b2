"""The service as it runs in production: its settings, and how a client says who it is.

What bounds one client is lifted, as one client does here what many would: it is counted, and
refuses nobody.
"""

from time import time

import jwt

SECRET = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
DAY = 24 * 3600

LIFTED = {
    "commands_per_second": "1000000000",
    "command_burst": "1000000000",
    "read_bytes_per_second": "1000000000000",
    "max_connections": "1000000",
    "connections_per_address": "1000000",
    "connections_per_principal": "1000000",
}


def authorization(name: str = "bench") -> str:
    """The header of an operator, good for a day; it ends its line."""
    now = int(time())
    claims = {"sub": name, "role": "operator", "iat": now, "exp": now + DAY}
    token = jwt.encode(claims, SECRET, algorithm="HS256")
    return f"Authorization: Bearer {token}\r\n"


def variables(**settings: str) -> dict[str, str]:
    """The variables of its environment: those of production, and these settings."""
    chosen = {
        "env": "production",
        "jwt_secret": SECRET,
        "allowed_origins": "https://example.org",
        **LIFTED,
        **settings,
    }
    return {f"APP_{name.upper()}": value for name, value in chosen.items()}
