"""How a connection ends, and whether coming back would help."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from enum import IntEnum
from http import HTTPStatus

LONGEST_WAIT = 600.0  # seconds, whatever the service asks for
PASSING = (HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS)


class CloseCode(IntEnum):
    """Why a connection has ended: codes that this client or its caller cares for."""

    GOING_AWAY = 1001
    LOST = 1006
    TOO_BIG = 1009
    MISTAKE = 1011
    DRAINING = 1012
    TOO_SLOW = 4008
    TOO_FAST = 4009
    EXPIRED = 4401
    TOO_MANY_CONNECTIONS = 4429
    BAD_TOKEN = 4501
    REVOKED = 4503


class Stopped(Exception):
    """Coming back would not help; `code` is a close code, or the HTTP status of a refusal."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(f"{reason or 'no reason given'} ({code})")
        self.code, self.reason = code, reason


@dataclass(frozen=True, slots=True)
class Lost:
    """How a connection has ended, or why there was none; `wait` is the least, in seconds."""

    code: int
    reason: str = ""
    wait: float = 0

    @property
    def is_final(self) -> bool:
        """Whether coming back would not help."""
        return self.code < 1000 or 4500 <= self.code < 5000


def refused(status: int, body: bytes, headers: Mapping[str, str]) -> Lost:
    """What an answer by HTTP comes to: it is final where it says that the request is wrong.

    A page, or a way to another address, comes from whatever stands before the service.
    """
    reason, wait = f"HTTP {status}", headers.get("Retry-After", "")
    with suppress(ValueError, KeyError, TypeError):
        reason = f"{json.loads(body)['message']} ({reason})"
    if status == HTTPStatus.UNAUTHORIZED:
        code = int(CloseCode.EXPIRED)
    elif status in PASSING or not 400 <= status < 500:
        code = int(CloseCode.LOST)
    else:
        code = status
    return Lost(code, reason, min(float(wait), LONGEST_WAIT) if wait.isdecimal() else 0.0)
