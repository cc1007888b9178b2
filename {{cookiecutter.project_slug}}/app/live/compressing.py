"""uvicorn's own WebSocket protocol, which can compress; the service asks its clients by itself."""

from __future__ import annotations

import asyncio

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from app.live.port import FAR_END


class Compressing(WebSocketsSansIOProtocol):
    """Offers itself in `scope["extensions"]`, for a server's own pings tell nobody who is gone."""

    heard: float

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Somebody is there."""
        self.heard = self.loop.time()
        super().connection_made(transport)

    def data_received(self, data: bytes) -> None:
        """Any bytes show that it is there."""
        self.heard = self.loop.time()
        super().data_received(data)

    def resume_writing(self) -> None:
        """It has taken what it was sent, so it is there."""
        self.heard = self.loop.time()
        super().resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        """It is over; what holds its own parser, and with it the compressor, is a circle."""
        super().connection_lost(exc)
        self.conn.parser.close()

    async def run_asgi(self) -> None:
        """Run the application, which finds this in the scope."""
        extensions = {**(self.scope.get("extensions") or {}), FAR_END: self}
        self.scope["extensions"] = extensions  # type: ignore[typeddict-item]
        try:
            await super().run_asgi()
        finally:
            del extensions[FAR_END]  # what is part of no circle is freed with its last user

    def ping(self) -> None:
        """Ask whether it is there."""
        if self.handshake_complete and not (self.close_sent or self.transport.is_closing()):
            self.conn.send_ping(b"")
            self.transport.write(b"".join(self.conn.data_to_send()))
