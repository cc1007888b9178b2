"""Who is asking: a token, and where the next one comes from."""

from __future__ import annotations

import asyncio
import base64
import json
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from math import inf
from time import time

from .timing import Timing

log = logging.getLogger(__name__)


class Login:
    """A token, renewed in time if there is somebody to give another."""

    def __init__(self, token: str | None, get_token: Callable[[], Awaitable[str]] | None) -> None:
        self._token, self._get_token = token, get_token
        self._has_renewed = False

    async def headers(self) -> dict[str, str]:
        """What a request says of it; raises ConnectionError when there is no token to be had."""
        if self._get_token and (self._token is None or _seconds_left(self._token) <= 0):
            self._token = await _new(self._get_token)
        return {"Authorization": f"Bearer {self._token}"} if self._token else {}

    def was_accepted(self) -> None:
        """A token that expires later may be renewed again."""
        self._has_renewed = False

    def drop_token(self) -> bool:
        """Have the next request ask for another token; False where that would not help."""
        if self._get_token is None or self._has_renewed:
            return False
        self._token, self._has_renewed = None, True
        return True

    async def renew(self, timing: Timing, say: Callable[[str], None]) -> None:
        """Give every new token to `say`, again and again, before the last one expires.

        One that is new and has no time left says that this clock is wrong: the service will say
        when its time is over.
        """
        while self._get_token and self._token and 0 < (left := _seconds_left(self._token)) < inf:
            early = min(timing.renew_before, left / 2)
            await asyncio.sleep(max(timing.first_delay, left - early))
            try:
                self._token = await _new(self._get_token)
                say(self._token)
            except ConnectionError as problem:
                log.warning("the token was not renewed: %s", problem)


async def _new(get_token: Callable[[], Awaitable[str]]) -> str:
    try:
        return await get_token()
    except Exception as problem:  # of any kind: it may pass, as a lost connection does
        raise ConnectionError(f"no token: {problem!r}") from problem


def _seconds_left(token: str) -> float:
    """Until a JSON Web Token expires (RFC 7519, 4.1.4); of others that is not known."""
    with suppress(ValueError, KeyError, TypeError, IndexError):
        claims = base64.urlsafe_b64decode(token.split(".")[1] + "==")
        return float(json.loads(claims)["exp"]) - time()
    return inf
