"""`websockets` by itself: its server, and its `broadcast`."""

import asyncio

import uvloop
from websockets.asyncio.server import ServerConnection, broadcast, serve

from benchmarks.peers.servers.talk import PORT, texts

connections: set[ServerConnection] = set()


async def handler(connection: ServerConnection) -> None:
    """A client, for as long as it is there."""
    connections.add(connection)
    try:
        async for command in connection:
            event, ack = texts(str(command))
            broadcast(connections, event)
            await connection.send(ack)
    finally:
        connections.remove(connection)


async def main() -> None:
    """Serve until the end."""
    async with serve(handler, "127.0.0.1", PORT, compression=None, backlog=2048) as server:
        await server.serve_forever()


with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
    runner.run(main())
