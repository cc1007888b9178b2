"""Answers nobody who asks for an address and a newline behind it."""

from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from app.api.answers import refused
from app.core.rejected import Code, Rejected

NOTHING = Rejected(Code.NOT_FOUND, "there is nothing at a path that ends in a newline")


class ExactPath:
    """ASGI middleware: no path ends in a newline.

    The `$` of a route's pattern matches in front of one, too (Python's `re`), and a proxy's does
    not: what it keeps for your own network, `/metrics` say, would be found at another address.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or refuse it."""
        app = self.app
        if scope["type"] == "http" and scope["path"].endswith("\n"):
            app = refused(Request(scope), NOTHING)
        await app(scope, receive, send)
