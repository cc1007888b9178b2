"""picows: a WebSocket server in Cython, which leaves all but frames to its user."""

# It is installed beside the peers only, where nothing is type-checked.
# mypy: disable-error-code="import-not-found,misc"

import asyncio

import uvloop
from picows import (
    WSFrame,
    WSListener,
    WSMsgType,
    WSTransport,
    WSUpgradeRequest,
    ws_create_server,
)

from benchmarks.peers.servers.talk import PORT, texts

clients: set[WSTransport] = set()


class Client(WSListener):
    """One client."""

    def on_ws_connected(self, transport: WSTransport) -> None:
        """One more."""
        clients.add(transport)

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        """Tell everybody, and then whoever asked."""
        if frame.msg_type != WSMsgType.TEXT:
            return
        event, ack = (text.encode() for text in texts(frame.get_payload_as_utf8_text()))
        for client in clients:
            client.send(WSMsgType.TEXT, event)
        transport.send(WSMsgType.TEXT, ack)

    def on_ws_disconnected(self, transport: WSTransport) -> None:
        """One less."""
        clients.discard(transport)


def welcome(request: WSUpgradeRequest) -> WSListener:
    """Whoever asks may come."""
    return Client()


async def main() -> None:
    """Serve until the end."""
    server = await ws_create_server(welcome, "127.0.0.1", PORT, backlog=2048)
    await server.serve_forever()


with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
    runner.run(main())
