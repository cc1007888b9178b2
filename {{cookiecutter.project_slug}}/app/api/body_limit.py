"""Bounds the body of a request, in the same words as every other refusal."""

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.api.answers import refused
from app.core.rejected import Code, Rejected


class BodyLimit:
    """ASGI middleware: a body of more than `most` bytes is refused as soon as it is seen.

    One that is announced is refused whatever is asked for, one that is not where it is read.
    """

    def __init__(self, app: ASGIApp, most: int) -> None:
        self.app = app
        self.most = most

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, counting what is read of its body."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        words = f"a body may have {self.most} bytes at most"
        if _announced(scope) > self.most:
            answer = refused(Request(scope), Rejected(Code.TOO_LARGE, words))
            await answer(scope, receive, send)
            return
        read = 0

        async def counted() -> Message:
            nonlocal read
            message = await receive()
            read += len(message.get("body", b""))
            if read > self.most:
                # FastAPI lets an HTTPException through where it reads the body; nothing else.
                raise HTTPException(413, words)
            return message

        await self.app(scope, counted, send)


def _announced(scope: Scope) -> int:
    """How long the body will be, as its sender says; 0 if it does not. The server has read it."""
    lengths = (value for name, value in scope["headers"] if name == b"content-length")
    return int(next(lengths, b"0"))
