"""Answers what fails by a mistake of ours where every answer is counted, named and shared."""

import structlog
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.api.answers import at_fault

log = structlog.get_logger(__name__)


class AnswerFaults:
    """ASGI middleware: a request that raises is answered as every refusal is, and logged.

    Starlette's own, for a handler of `Exception`, does so outside of all others, which then see
    no answer; and it lets the server close the connection, whatever the client has sent on it.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on; one whose answer has begun is for the server to log and cut off."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        has_begun = False

        async def watched(message: Message) -> None:
            nonlocal has_begun
            has_begun = True
            await send(message)

        try:
            await self.app(scope, receive, watched)
        except Exception as fault:  # of any kind: the application's mistake is not the server's
            if has_begun:
                raise
            log.exception("a request failed")
            answer = await at_fault(Request(scope), fault)
            await answer(scope, receive, send)
