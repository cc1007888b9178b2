"""Answers nobody who asks by a name that may be anybody's, while everybody is an operator."""

from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from app.access.origin import require_known_host
from app.api.answers import refused
from app.core.rejected import Rejected


class KnownHost:
    """ASGI middleware: the Host of every HTTP request must be known, whatever it asks for."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or refuse it."""
        app = self.app
        if scope["type"] == "http":
            request = Request(scope)
            try:
                require_known_host(request)
            except Rejected as refusal:
                app = refused(request, refusal)
        await app(scope, receive, send)
