"""Counts what is asked of the service at both doors, and what it could not do."""

from starlette.types import ASGIApp, Message, Receive, Scope, Send


class Traffic:
    """Requests and commands, and the failures among them, since they were last taken."""

    def __init__(self) -> None:
        self._asked = 0
        self._failed = 0

    def count(self, *, failed: bool) -> None:
        """One more was asked for; it failed if that was our fault, not the sender's."""
        self._asked += 1
        self._failed += failed

    def taken(self) -> tuple[int, int]:
        """How many were asked for and how many failed; counting begins anew."""
        taken = self._asked, self._failed
        self._asked = self._failed = 0
        return taken


class CountRequests:
    """ASGI middleware: every HTTP request is counted, with its status."""

    def __init__(self, app: ASGIApp, traffic: Traffic) -> None:
        self.app = app
        self.traffic = traffic

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, and look at the status of the answer."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def counted(message: Message) -> None:
            if message["type"] == "http.response.start":
                self.traffic.count(failed=message["status"] >= 500)
            await send(message)

        await self.app(scope, receive, counted)
